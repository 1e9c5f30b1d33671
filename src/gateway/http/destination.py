"""Checks the destination of an upstream call, so that an API key is sent to its own upstream only."""

from urllib.parse import urlsplit

from gateway.http.message import HeaderPairs, UpstreamRequest


def check_destination(request: UpstreamRequest) -> tuple[str, HeaderPairs]:
    """Return the URL and the headers to send, including the upstream's key.

    Every transport calls this before it sends. No other code reads ``Upstream.api_key`` in order to send it.

    Raises:
        ValueError: the path does not start with ``/``, or would change the scheme, host or port.
    """
    url = request.upstream.base_url + request.path
    target, allowed = urlsplit(url), urlsplit(request.upstream.base_url)
    if not request.path.startswith("/") or (target.scheme, target.netloc) != (allowed.scheme, allowed.netloc):
        raise ValueError("an upstream call must stay on its upstream's host")
    key = request.upstream.api_key
    return url, (*request.headers, *((("authorization", f"Bearer {key}"),) if key else ()))
