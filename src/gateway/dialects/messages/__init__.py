"""Messages, as Anthropic and OpenRouter define them: requests, answers and stream events.

It may import the same packages as ``dialects``.
"""
