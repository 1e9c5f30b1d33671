"""The steps before the first attempt: read, parse, check budgets, hold money, plan.

It may import from ``streaming`` and the packages below it.
"""
