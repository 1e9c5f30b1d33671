"""The dialect of speech: a text that a model speaks."""
