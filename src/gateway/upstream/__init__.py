"""Whom the gateway asks and how: the request that goes upstream, and the reply up to the commit point.

It may import from ``access`` and the packages below it.
"""
