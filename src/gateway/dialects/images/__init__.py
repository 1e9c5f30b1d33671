"""The dialect of images: pictures for a prompt."""
