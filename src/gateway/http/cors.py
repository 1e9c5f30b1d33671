"""CORS: which web pages may call, told to the browsers that ask."""

import re
from collections.abc import Collection

from gateway.http.body import HttpResponse
from gateway.http.message import HttpRequest
from gateway.http.responses import Frame

# Header names that a browser asks leave for are repeated to it; anything else in their place is not.
_HEADER_NAMES = re.compile(r"[A-Za-z0-9-]+(?:\s*,\s*[A-Za-z0-9-]+){0,63}")
PREFLIGHT_S = 86_400


def allowed_origin(request: HttpRequest, origins: Collection[str]) -> str | None:
    """Return what ``access-control-allow-origin`` says to this request; None where it says nothing."""
    if not origins:
        return None
    if "*" in origins:
        return "*"  # without credentials: callers send their key themselves
    origin = request.header("origin")
    return origin if origin and origin in origins else None


def answer_preflight(request: HttpRequest, frame: Frame, methods: str) -> HttpResponse:
    """Return the answer to ``OPTIONS``. Source: Fetch standard, "CORS-preflight request"."""
    headers = [("allow", methods)]
    if frame.allowed_origin:
        asked = request.header("access-control-request-headers") or ""
        names = asked if _HEADER_NAMES.fullmatch(asked) else "authorization, content-type, x-api-key"
        headers += [
            ("access-control-allow-methods", methods),
            ("access-control-allow-headers", names),
            ("access-control-max-age", str(PREFLIGHT_S)),
        ]
    return HttpResponse(status=204, headers=(*headers, *frame.headers), body=b"")
