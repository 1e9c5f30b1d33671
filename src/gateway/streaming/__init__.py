"""Streams after the commit: guard, relay, idle timer, keep-alive comments, take-over by another model.

It may import from ``fallback`` and the packages below it.
"""
