"""The exception for every error response, and the table of errors that occur before a model is called.

The errors of attempts are in ``faults.policy.RULES``. ``app.handle`` turns a ``GatewayError`` into a
response. ``routes.chat_completions`` does so too, and adds the receipt. In a stream that has begun, the error
becomes an event (``streaming.early_stream``, ``streaming.guard``, ``streaming.relay``).

The gateway writes every message itself. After an attempt that failed it may add what the upstream said,
cleaned (``fallback.exhausted``, ``faults.upstream_message``). A message holds no key, and no upstream's body.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject

Source: TypeAlias = Literal["client", "gateway", "openrouter", "provider"]


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """The fixed properties of an error code.

    Attributes:
        status: the HTTP status of the response.
        type: the word in OpenAI's ``error.type``.
        source: which party caused the error.
    """

    status: int
    type: str
    source: Source


# OpenAI's SDKs choose their exception class by the HTTP status. ``type`` is for people and logs.
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
        "revoked_key": ErrorKind(401, "authentication_error", "client"),
        "origin_not_allowed": ErrorKind(403, "permission_error", "client"),
        "not_allowed": ErrorKind(403, "permission_error", "client"),
        # SDKs and agents send a request again after 408, 409, 429 and 5xx. This one would be refused again.
        # After 400 some of them shorten the prompt and go on.
        "agent_loop": ErrorKind(422, "invalid_request_error", "client"),
        # Source: IETF draft "The Idempotency-Key HTTP Header Field", section 2.7: 409 and 422.
        "idempotency_key_outstanding": ErrorKind(409, "invalid_request_error", "client"),
        "idempotency_key_already_used": ErrorKind(422, "invalid_request_error", "client"),
        "not_found": ErrorKind(404, "not_found_error", "client"),
        "key_exists": ErrorKind(409, "invalid_request_error", "client"),
        "key_in_secret": ErrorKind(409, "invalid_request_error", "client"),
        "method_not_allowed": ErrorKind(405, "invalid_request_error", "client"),
        "body_timeout": ErrorKind(408, "invalid_request_error", "client"),
        "body_too_large": ErrorKind(413, "invalid_request_error", "client"),
        "unsupported_encoding": ErrorKind(415, "invalid_request_error", "client"),
        # this gateway and its operator
        "budget_spent": ErrorKind(402, "billing_error", "gateway"),
        "session_budget_spent": ErrorKind(402, "billing_error", "gateway"),
        "too_many_requests": ErrorKind(429, "rate_limit_error", "gateway"),
        "too_many_at_once": ErrorKind(429, "rate_limit_error", "gateway"),
        "key_not_checked": ErrorKind(503, "api_error", "openrouter"),
        "keys_unavailable": ErrorKind(503, "api_error", "gateway"),
        "gateway_closed": ErrorKind(401, "authentication_error", "gateway"),
        "ledger_unavailable": ErrorKind(503, "api_error", "gateway"),
        "ledger_not_bound": ErrorKind(501, "configuration_error", "gateway"),
        "ledger_backlog": ErrorKind(503, "api_error", "gateway"),
        "repeat_lost": ErrorKind(503, "api_error", "gateway"),
        "coordination_unavailable": ErrorKind(503, "api_error", "gateway"),
        "bad_setting": ErrorKind(500, "configuration_error", "gateway"),
        "internal_error": ErrorKind(500, "api_error", "gateway"),
    }
)


class GatewayError(Exception):
    """An error that ends a request; the client gets it instead of an answer.

    Attributes:
        code: a stable word for programs; a key of ``KINDS`` unless ``kind`` is given.
        param: the request field or the setting that caused the error; None if it was neither.
        retry_after_s: after how many seconds a retry may succeed; None if that is not known.
        retryable: whether the same request may succeed later.
        metadata: further fields for ``error.metadata``; they must be safe to show.
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
        """Return OpenAI's error envelope. Fields that OpenAI does not have are under ``metadata``."""
        metadata: JsonObject = {
            "code": self.code,
            "error_type": self.code,  # OpenRouter's SDKs require it; an upstream's value replaces it
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
    """A setting is missing or wrong. The message names the setting, never its value."""

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__("bad_setting", f"{setting} {problem}", param=setting)


def internal_error(**metadata: Json) -> GatewayError:
    """Return the error for an unexpected exception, without its text: that may hold a caller's data."""
    return GatewayError("internal_error", "The gateway failed. Its log says where.", metadata=metadata)
