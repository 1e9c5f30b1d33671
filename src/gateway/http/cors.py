"""CORS: decides which web pages may call the gateway, and answers preflight requests."""

import re
from collections.abc import Collection

from gateway.http.body import HttpResponse
from gateway.http.message import IDEMPOTENCY_KEY, HttpRequest
from gateway.http.responses import Frame
from gateway.http.session_headers import AGENT_HEADERS, SESSION_HEADERS

# A preflight answer repeats the requested header names. This pattern keeps any other text out of it.
_HEADER_NAMES = re.compile(r"[A-Za-z0-9_-]++(?:\s*+,\s*+[A-Za-z0-9_-]++){0,63}+", re.ASCII)
# The headers of callers that the gateway reads.
CALLERS_HEADERS = ", ".join(
    (
        "anthropic-version",
        "authorization",
        "content-encoding",
        "content-type",
        "http-referer",
        IDEMPOTENCY_KEY.lower(),
        "x-api-key",
        "x-openrouter-title",
        "x-request-id",
        "x-title",
        *SESSION_HEADERS,
        *AGENT_HEADERS.values(),
    )
)
PREFLIGHT_S = 86_400


def allowed_origin(request: HttpRequest, origins: Collection[str]) -> str | None:
    """Return the value of ``access-control-allow-origin`` for this request; None: do not send the header."""
    if not origins:
        return None
    if "*" in origins:
        return "*"  # no credentials mode is needed: callers send their key in a header
    origin = request.header("origin")
    return origin if origin and origin in origins else None


def answer_preflight(request: HttpRequest, frame: Frame, methods: str) -> HttpResponse:
    """Return the response to an ``OPTIONS`` request. Source: Fetch standard, "CORS-preflight request"."""
    headers = [("allow", methods)]
    if frame.allowed_origin:
        requested = request.header("access-control-request-headers") or ""
        names = requested if _HEADER_NAMES.fullmatch(requested) else CALLERS_HEADERS
        headers += [
            ("access-control-allow-methods", methods),
            ("access-control-allow-headers", names),
            ("access-control-max-age", str(PREFLIGHT_S)),
        ]
    return HttpResponse(status=204, headers=(*headers, *frame.headers), body=b"")
