"""Anthropic's form of errors, with the words that Anthropic's clients act on.

The gateway's own fields stand in ``error`` under the names that they have in OpenAI's form.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject, object_or_empty
from gateway.http.responses import BodyErrors

# The type of each status. Others of 4xx are the request's fault, others of 5xx an API error. Claude Code asks
# again after an `overloaded_error`, whatever the headers say, unless the status is 429 or 529.
# Sources: Anthropic API reference, "Errors"; OpenRouter API reference, "Create a message"; Claude Code.
TYPES: Mapping[int, str] = MappingProxyType({
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    524: "timeout_error",
    529: "overloaded_error",
})  # fmt: skip  # one status a line
BILLING = "billing_error"


class MessagesErrors(BodyErrors):
    """Anthropic's form of errors; see ``ErrorForm``."""

    def body(self, error: GatewayError, request_id: str) -> JsonObject:
        """Return the body of an error response. The body of an error event has no ``request_id``."""
        told = object_or_empty(error.to_json()["error"])
        metadata = object_or_empty(told["metadata"])
        from gateway.dialects.messages.key_words import with_key_words  # noqa: PLC0415  # few requests fail

        shown: JsonObject = {
            "type": _type_of(error),
            "message": with_key_words(error),
            "error_type": metadata["error_type"],
            "code": told["code"],
            "param": told["param"],
            "metadata": metadata,
        }
        return {"type": "error", "error": shown, "request_id": request_id}

    def may_retry(self, error: GatewayError) -> bool:
        """Return whether the client may send the same request again after the wait that the error names.

        After a chain that no model has answered it may not: its retries would multiply the attempts.
        """
        return error.retry_after_s is not None and "gateway" not in error.metadata


def _type_of(error: GatewayError) -> str:
    kind = error.kind
    if kind.type == BILLING:  # a key's spending limit is a 403
        return BILLING
    return TYPES.get(kind.status, "api_error" if kind.status >= 500 else "invalid_request_error")


MESSAGES_ERRORS = MessagesErrors()
