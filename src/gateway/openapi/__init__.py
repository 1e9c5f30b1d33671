"""The OpenAPI document and the schemas that it is made of.

It may import from ``ledger`` and the packages below it.
"""
