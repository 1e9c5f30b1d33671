"""Chooses the form of errors for a client of Responses: Codex needs one of its own."""

from gateway.http.message import HttpRequest
from gateway.http.responses import OPENAI_ERRORS, OPENROUTER_ERRORS, ErrorForm

# The header in which Codex names itself. Source: Codex CLI 0.171, as observed.
ORIGINATOR, CODEX = "originator", "codex"
# The header that says what Codex is to do after a chain without an answer: to stop, or to repeat the request.
WHEN_SPENT, RETRY = "x-gateway-when-spent", "retry"


def errors_for(request: HttpRequest) -> ErrorForm:
    """Return the form of errors that the client of a request expects."""
    if (request.header(ORIGINATOR) or "").lower().startswith(CODEX):
        from gateway.dialects.responses.codex_errors import (  # noqa: PLC0415  # other clients need it not
            CODEX_ERRORS,
            RETRIED_ERRORS,
        )

        wanted = (request.header(WHEN_SPENT) or "").strip().lower()
        return RETRIED_ERRORS if wanted == RETRY else CODEX_ERRORS
    return OPENROUTER_ERRORS if request.path.startswith("/api/") else OPENAI_ERRORS
