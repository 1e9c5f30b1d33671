"""Who may call, how often, and how many requests at once.

It may import from ``routing`` and the packages below it.
"""
