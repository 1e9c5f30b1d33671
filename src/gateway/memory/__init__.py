"""What one isolate remembers between requests, and the ports through which the core reaches the outside.

It may import from ``coordination`` and the packages below it.
"""
