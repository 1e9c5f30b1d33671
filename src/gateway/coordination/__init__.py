"""Counts budgets and limits for all isolates: what runs in a Durable Object, and how isolates talk to it.

It may import from ``settings`` and the packages below it. Nothing imports it where `COORDINATION` is `local`.
"""
