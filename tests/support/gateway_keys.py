"""The keys of the gateways that tests of several files share, and the page that may call them."""

BOUND = "e2e-bound-token-0123456789"
DOCUMENTED = "e2e-documented-token-0123456789"
FRUGAL = "e2e-frugal-token-0123456789"
TIGHT = "e2e-tight-token-0123456789"
DIRECT = "sk-or-canary-of-the-direct-upstream"
"""What the gateway sends to its direct upstream."""
PAGE = "https://page.example"
