"""The dialect of completions: a text that goes on with a prompt."""
