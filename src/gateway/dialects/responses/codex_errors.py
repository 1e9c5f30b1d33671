"""The form of errors in which Codex stops, or waits, and does not multiply a failed request.

Codex repeats a request up to thirty times after a status of 5xx, and six times after most of 4xx, whatever
the headers say. What each form costs is in docs/responses.md. Source: Codex CLI 0.171, as observed.
"""

from math import ceil

from gateway.dialects.responses.error_events import (
    LIMITED,
    OVERLOADED,
    QUOTA,
    SERVER_ERROR,
    TOO_LONG,
    failed_stream,
)
from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject, object_or_empty
from gateway.http.responses import MAX_SDK_WAIT_S, OpenAIErrors

CONTEXT_TOO_LONG = "context_too_long"
BILLING = "billing_error"
# The least status of an error that a repeat may mend, and that Codex would repeat too often.
_SERVERS = 500
_TOO_MANY = 429
_REFUSED = 400


class CodexErrors(OpenAIErrors):
    """OpenAI's form of errors, with the status and the words at which Codex stops; see ``ErrorForm``.

    Args:
        retries: whether Codex is to repeat a request after a failure that may pass, as often as it does. Then
            such an error has its own status.
    """

    def __init__(self, *, retries: bool = False) -> None:
        super().__init__()
        self._retries = retries

    def body(self, error: GatewayError, request_id: str) -> JsonObject:
        """Return the body of an error response, or of the error in a stream that has begun."""
        payload = super().body(error, request_id)
        shown = object_or_empty(payload["error"])
        if error.kind.type == BILLING:
            shown["code"] = QUOTA
            return payload
        if (word := self._word_of(error)) is not None:
            shown["code"] = SERVER_ERROR if self._retries and word == OVERLOADED else word
        if not _is_cut_off(error) and (wait_s := _wait_s(error)) is not None:
            shown["message"] = f"{shown['message']} Please try again in {ceil(wait_s)}s."
        return payload

    def status_of(self, error: GatewayError) -> int:
        """Return 429 for money that is spent, and 400 for what no repeat mends: Codex then stops.

        With ``retries`` the status of a failure that may pass stays as it is.
        """
        if error.kind.type == BILLING:
            return _TOO_MANY
        status = error.kind.status
        return status if status == _TOO_MANY or (self._retries and status >= _SERVERS) else _REFUSED

    def as_stream(self, error: GatewayError, request_id: str) -> bytes | None:
        """Return the stream of a response that failed, if the models or the gateway failed; else None.

        A prompt that is too long is told in this form, too: Codex then shortens it.
        """
        word = self._word_of(error)
        if word is None or (self._retries and word != TOO_LONG):
            return None
        names: JsonObject = {"id": f"gen-{request_id}", "created": 0, "model": ""}
        return failed_stream(self.body(error, request_id), names)

    @staticmethod
    def _word_of(error: GatewayError) -> str | None:
        """Return OpenAI's word for an error that is told as a stream; None if it is told by its status.

        An answer that was cut off is a fault of the server, even if its model is overloaded: Codex then
        asks again, and the gateway asks another model.
        """
        if _is_cut_off(error):
            return SERVER_ERROR
        is_chain, status = "gateway" in error.metadata, error.kind.status
        if error.code == CONTEXT_TOO_LONG:
            return TOO_LONG
        if error.kind.type == BILLING or not (status >= _SERVERS or (is_chain and status == _TOO_MANY)):
            return None
        if not is_chain:
            return SERVER_ERROR
        return OVERLOADED if _wait_s(error) is None else LIMITED


def _is_cut_off(error: GatewayError) -> bool:
    return bool(error.metadata.get("partial"))


def _wait_s(error: GatewayError) -> float | None:
    """Return the wait after which a repeat may help, if Codex would wait so long."""
    wait_s = error.retry_after_s
    return wait_s if wait_s is not None and wait_s <= MAX_SDK_WAIT_S else None


CODEX_ERRORS = CodexErrors()
RETRIED_ERRORS = CodexErrors(retries=True)
