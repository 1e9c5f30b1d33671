"""Configuration: the table of settings, keys, task routes, upstreams, budgets and request options.

It may import from ``faults`` and ``http``.
"""
