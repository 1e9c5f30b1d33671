"""Authentication, rate limits and concurrency limits.

It may import from ``routing`` and the packages below it.
"""
