"""Records requests and their costs: rows, settling costs, deleting old rows, usage queries, budget alerts.

It may import from ``answer_cache`` and the packages below it.
"""
