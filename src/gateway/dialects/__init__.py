"""The wire formats that callers speak, one package for each.

It may import from ``catalog`` and the packages below it.
"""
