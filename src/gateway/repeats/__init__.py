"""Repeats: a request that is sent again attaches to the first one, or gets its answer, and costs nothing.

It may import from ``answer_cache`` and the packages below it.
"""
