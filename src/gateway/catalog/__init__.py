"""OpenRouter's models, prices and endpoints: fetched, compacted, kept in KV, listed and filtered.

It may import from ``memory`` and the packages below it.
"""
