"""The dialect of OpenAI's and OpenRouter's chat completions: requests, answers and chunks.

It may import what ``dialects`` may.
"""
