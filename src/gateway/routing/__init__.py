"""Which models a request may use, and in which order: candidates, eligibility, cost estimates, the plan.

It may import from ``dialects`` and the packages below it.
"""
