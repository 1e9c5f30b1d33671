"""Builds the request to an upstream, and reads the reply up to the commit point.

It may import from ``access`` and the packages below it.
"""
