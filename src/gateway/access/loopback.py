"""Decides whether a request without a key comes from this machine, and from no web page of somebody else's.

``OPEN_ON_LOOPBACK`` lets such requests in. A web page must not be able to send one: it is open in the
developer's browser, and would spend the developer's money. Pages have two ways. They call the gateway by its
own name: then the browser sends ``Origin`` or ``Sec-Fetch-Site``. Or they call it by a name of their own that
leads to 127.0.0.1 (DNS rebinding): then a header shows that name. Production never loads this module.
"""

import re
from urllib.parse import urlsplit

from gateway.access.origins import not_allowed, refuse_foreign_page
from gateway.http.message import HttpRequest
from gateway.settings.parse_value import LOOPBACK_HOSTS

# A host with or without a port, as headers have it.
_HOST_AND_PORT = re.compile(r"(\[[0-9a-f:]++\]|[^:\s]++)(?::[0-9]{1,5}+)?", re.ASCII)
# Headers that name the host which the client asked for. A proxy writes the others where it changes `Host`.
# `scripts/dev/local_wrangler.cjs` writes `X-Forwarded-Host`: the 2024 runtime changes `Host`, and the URL.
_HOST_HEADERS = ("host", "x-forwarded-host", "x-forwarded-server", "x-original-host", "mf-original-hostname")
# The 2024 runtime takes a request's URL from this header.
_URL_HEADER = "mf-original-url"
# Source: RFC 7239, 4. A value that is quoted in another way than this is no loopback host.
_FORWARDED_HOST = re.compile(r'host\s*+=\s*+("[^"]*+"?|[^",;]*+)', re.ASCII | re.IGNORECASE)
# What a browser sends if no page of another origin caused a request; other clients send nothing.
# Source: W3C "Fetch Metadata Request Headers".
_OWN_SITE = (None, "none", "same-origin")


def is_local(request: HttpRequest) -> bool:
    """Return whether the client asked for a loopback host, by the URL and by each header that names one."""
    if request.host not in LOOPBACK_HOSTS:
        return False
    listed = ",".join(request.header(name) or "" for name in _HOST_HEADERS)
    named = [host for host in listed.split(",") if host.strip()]
    named += [match.group(1) for match in _FORWARDED_HOST.finditer(request.header("forwarded") or "")]
    return all(_is_loopback(host) for host in named) and _leads_here(request.header(_URL_HEADER))


def _is_loopback(host: str) -> bool:
    found = _HOST_AND_PORT.fullmatch(host.strip().strip('"').lower())
    return found is not None and found.group(1) in LOOPBACK_HOSTS


def _leads_here(url: str | None) -> bool:
    try:
        return url is None or urlsplit(url).hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def refuse_any_foreign_page(request: HttpRequest, origins: tuple[str, ...]) -> None:
    """Refuse every request that a web page causes, unless its origin is in ``origins``.

    This includes what a page causes without a script, such as by an image or a link: browsers send it without
    an ``Origin`` header.

    Raises:
        GatewayError: the origin is not allowed.
    """
    refuse_foreign_page(request, origins)
    if request.header("origin") or "*" in origins:
        return
    if request.header("sec-fetch-site") not in _OWN_SITE:
        raise not_allowed()
