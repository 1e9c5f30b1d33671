"""The HTTP endpoints, one module for each.

It may import from ``openapi`` and the packages below it.
"""
