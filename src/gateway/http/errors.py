"""What a request ends in that no model has met, as one closed table, and the exception of every error.

What attempts end in is in ``policy.RULES``. A ``GatewayError`` is raised where a fault is known; it becomes a
response in ``app.handle``, or in ``completions`` with the receipt, and an event in a stream that has begun
(``patience``, ``guard``, ``relay``). Its message is always the gateway's own words: no upstream text, no
key, no prompt.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject

Source: TypeAlias = Literal["client", "gateway", "openrouter", "provider"]


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What is fixed about an error code: its HTTP status, OpenAI's ``type`` word, and who is at fault."""

    status: int
    type: str
    source: Source


# OpenAI's SDKs choose their exception class by the status; ``type`` is for people and logs.
KINDS: Mapping[str, ErrorKind] = MappingProxyType(
    {
        # the caller
        "invalid_json": ErrorKind(400, "invalid_request_error", "client"),
        "invalid_body": ErrorKind(400, "invalid_request_error", "client"),
        "invalid_field": ErrorKind(400, "invalid_request_error", "client"),
        "missing_field": ErrorKind(400, "invalid_request_error", "client"),
        "unknown_option": ErrorKind(400, "invalid_request_error", "client"),
        "unknown_task": ErrorKind(400, "invalid_request_error", "client"),
        "unknown_upstream": ErrorKind(400, "invalid_request_error", "client"),
        "refused_field": ErrorKind(400, "invalid_request_error", "client"),
        "missing_key": ErrorKind(401, "authentication_error", "client"),
        "invalid_key": ErrorKind(401, "authentication_error", "client"),
        "expired_key": ErrorKind(401, "authentication_error", "client"),
        "origin_not_allowed": ErrorKind(403, "permission_error", "client"),
        "not_allowed": ErrorKind(403, "permission_error", "client"),
        "not_found": ErrorKind(404, "not_found_error", "client"),
        "method_not_allowed": ErrorKind(405, "invalid_request_error", "client"),
        "body_timeout": ErrorKind(408, "invalid_request_error", "client"),
        "body_too_large": ErrorKind(413, "invalid_request_error", "client"),
        # this gateway and whoever runs it
        "budget_spent": ErrorKind(402, "billing_error", "gateway"),
        "too_many_requests": ErrorKind(429, "rate_limit_error", "gateway"),
        "too_many_at_once": ErrorKind(429, "rate_limit_error", "gateway"),
        "gateway_closed": ErrorKind(401, "authentication_error", "gateway"),
        "ledger_unavailable": ErrorKind(503, "api_error", "gateway"),
        "bad_setting": ErrorKind(500, "configuration_error", "gateway"),
        "internal_error": ErrorKind(500, "api_error", "gateway"),
    }
)


class GatewayError(Exception):
    """A request ends with this error instead of an answer.

    Attributes:
        code: stable word, for programs.
        param: the field of the request, or the setting, that is at fault.
        retry_after_s: when another try may succeed, in seconds from now; None when it is not known to.
        metadata: further fields for ``error.metadata``; safe to show.
        headers: further response headers.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        kind: ErrorKind | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        retryable: bool = False,
        metadata: Mapping[str, Json] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kind = kind or KINDS[code]
        self.param = param
        self.retry_after_s = retry_after_s
        self.retryable = retryable
        self.metadata = dict(metadata or {})
        self.headers = headers

    def to_json(self) -> JsonObject:
        """Return OpenAI's error envelope, with what OpenAI does not have under ``metadata``."""
        metadata: JsonObject = {
            "code": self.code,
            "error_type": self.code,  # OpenRouter's SDKs require one; the upstream's own goes before it
            "source": self.kind.source,
            "retryable": self.retryable,
            "retry_after_s": None if self.retry_after_s is None else round(self.retry_after_s, 3),
            **self.metadata,
        }
        error: JsonObject = {
            "message": self.message,
            "type": self.kind.type,
            "param": self.param,
            "code": self.code,
            "metadata": metadata,
        }
        return {"error": error}


class ConfigError(GatewayError):
    """A setting is missing or wrong: names the setting, never its value."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__("bad_setting", f"{setting} {problem}", param=setting)


def internal_error(**metadata: Json) -> GatewayError:
    """Return the error for a fault that nobody foresaw: no details, since those may be a caller's text."""
    return GatewayError("internal_error", "The gateway failed. Its log says where.", metadata=metadata)
