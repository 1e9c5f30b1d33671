"""Plans which models a request tries, and in which order: candidates, eligibility, cost estimates, plan.

It may import from ``dialects`` and the packages below it.
"""
