"""An error as data: each dialect has its own envelope for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.turn import PROVIDER

PROVIDER_ERROR = "Provider returned error"
_ERROR_TYPE_OF_STATUS: Mapping[int, str] = {
    400: "invalid_request", 401: "authentication", 402: "payment_required", 403: "permission_denied",
    404: "not_found", 408: "timeout", 413: "payload_too_large", 422: "invalid_request",
    429: "rate_limit_exceeded", 500: "server", 502: "provider_unavailable", 503: "provider_overloaded",
    504: "timeout", 524: "timeout", 529: "provider_overloaded",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of OpenRouter, or of a provider behind it.

    `words` are the provider's own words. Chat has them in `metadata.raw`; Messages has them as the message,
    since Claude Code goes by them. `code` is the word that Responses has as code; None: it has the status.
    """

    status: int
    message: str
    metadata: Mapping[str, Any] | None = None
    words: str | None = None
    code: str | None = None

    @property
    def error_type(self) -> str:
        """OpenRouter's stable word for it."""
        stated = (self.metadata or {}).get("error_type")
        return str(stated) if stated else _ERROR_TYPE_OF_STATUS.get(self.status, "unmapped")


def provider_metadata(raw: str, **more: object) -> dict[str, Any]:
    """Return the metadata with which OpenRouter reports a provider's error."""
    return {"raw": raw, "provider_name": PROVIDER, "is_byok": False, **more}


def rejected(words: str) -> Fault:
    """Return the 400 of a provider that refuses the request with these words."""
    return Fault(400, PROVIDER_ERROR, provider_metadata(f'{{"error":{{"message":"{words}"}}}}'), words)
