"""Runs the chain of models: schedule, attempt, retry, hedge, receipt, and the error of an exhausted chain.

It may import from ``upstream`` and the packages below it.
"""
