"""The attempt loop: schedule, attempt, retry, hedge, the receipt, and the error of an exhausted chain.

It may import from ``upstream`` and the packages below it.
"""
