"""Money afterwards: a request's row, settling costs, deleting old rows, usage queries, budget alerts.

It may import from ``answer_cache`` and the packages below it.
"""
