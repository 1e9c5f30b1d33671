"""Faults of upstreams: the fault table, the classification of errors, and the waits before a retry.

It may import from ``http``.
"""
