"""The dialect of Responses: OpenAI's format, as OpenRouter serves it.

It has the same seam as every dialect; see ``dialects.dialect``.
"""
