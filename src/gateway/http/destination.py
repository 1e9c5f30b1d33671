"""The last check before a call leaves: the key goes to its own host and nowhere else."""

from urllib.parse import urlsplit

from gateway.http.message import HeaderPairs, UpstreamRequest


def check_destination(request: UpstreamRequest) -> tuple[str, HeaderPairs]:
    """Return the URL and the headers to send, the upstream's key among them.

    Every transport calls this, and nothing else in the gateway reads ``Upstream.api_key``.

    Raises:
        ValueError: the path would lead to another host than the upstream's.
    """
    url = request.upstream.base_url + request.path
    there, allowed = urlsplit(url), urlsplit(request.upstream.base_url)
    if not request.path.startswith("/") or (there.scheme, there.netloc) != (allowed.scheme, allowed.netloc):
        raise ValueError("an upstream call must stay on its upstream's host")
    key = request.upstream.api_key
    return url, (*request.headers, *((("authorization", f"Bearer {key}"),) if key else ()))
