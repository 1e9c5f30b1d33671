"""The wire formats that callers use, one package for each.

It may import from ``catalog`` and the packages below it.
"""
