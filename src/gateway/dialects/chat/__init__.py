"""Chat completions, as OpenAI and OpenRouter define them: requests, answers and stream chunks.

It may import the same packages as ``dialects``.
"""
