"""The TLS settings of all HTTP clients of the tests, made once: making them takes longer than a request."""

import functools
import ssl

import httpx


@functools.cache
def tls() -> ssl.SSLContext:
    """Return settings that check certificates, as httpx does by default."""
    return httpx.create_ssl_context(trust_env=False)
