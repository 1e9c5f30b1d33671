"""The catalogue: OpenRouter's models, prices and endpoints. Fetches, stores, lists and filters them.

It may import from ``memory`` and the packages below it.
"""
