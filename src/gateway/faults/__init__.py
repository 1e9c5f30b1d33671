"""What went wrong upstream: the fault table, classification, and how long to wait afterwards.

It may import from ``http``.
"""
