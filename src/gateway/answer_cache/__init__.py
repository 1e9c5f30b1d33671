"""Cached answers: which answers may be cached, under which key, and how one is replayed.

It may import from ``pipeline`` and the packages below it.
"""
