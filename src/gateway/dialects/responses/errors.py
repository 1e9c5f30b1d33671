"""Chooses the form of errors for a client of Responses: Codex needs one of its own."""

from gateway.http.message import HttpRequest
from gateway.http.responses import OPENAI_ERRORS, OPENROUTER_ERRORS, ErrorForm

# The header in which Codex names itself. Source: Codex CLI 0.171, as observed.
ORIGINATOR, CODEX = "originator", "codex"


def errors_for(request: HttpRequest) -> ErrorForm:
    """Return the form of errors that the client of a request expects."""
    if (request.header(ORIGINATOR) or "").lower().startswith(CODEX):
        from gateway.dialects.responses.codex_errors import CODEX_ERRORS  # noqa: PLC0415  # other clients need it not

        return CODEX_ERRORS
    return OPENROUTER_ERRORS if request.path.startswith("/api/") else OPENAI_ERRORS
