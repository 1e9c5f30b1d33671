"""The steps before the first attempt: authorize, read, parse, check budgets, plan.

It may import from ``streaming`` and the packages below it.
"""
