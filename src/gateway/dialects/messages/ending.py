"""Holds back what ends a Messages answer, until it is known that nothing follows."""

from gateway.dialects.messages.safeguards import RESULTS
from gateway.dialects.messages.usage import merged
from gateway.dialects.named_events import whole_payload
from gateway.dialects.read_event import ReadEvent
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty

STOP: JsonObject = {"type": "message_stop"}
COUNT = "output_tokens"


class Ending:
    """The end of one answer: its ``message_delta`` events, put together to one.

    Their values are cumulative. So the newest value of each field counts, and no client sees two ends.
    Source: Anthropic "Streaming messages": the counts in the usage of ``message_delta`` are cumulative.

    Attributes:
        is_complete: whether there is a stop reason, and nothing has been added to the answer since.
        is_held: whether an event is held back.
        last: the upstream's own ``message_stop``; None if there has been none.
        results: what is said of a safety check that gave no verdicts; None: nothing.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self.is_held = False
        self.last: ReadEvent | None = None
        self.results: list[Json] | None = None
        self._payload: JsonObject = {}

    def hold(self, here: ReadEvent) -> bool:
        """Hold a ``message_delta`` back; return whether it has a stop reason."""
        payload = whole_payload(here.read)
        delta = object_or_empty(payload.get("delta"))
        reason = delta.get("stop_reason")
        has_reason = isinstance(reason, str) and bool(reason)
        if not has_reason:
            delta["stop_reason"] = None
        before = self._payload
        together = merged(before, payload)
        together["delta"] = merged(object_or_empty(before.get("delta")), delta)
        together["usage"] = merged(
            object_or_empty(before.get("usage")), object_or_empty(payload.get("usage"))
        )
        self._payload = together
        self.is_held = True
        self.is_complete = self.is_complete or has_reason
        return has_reason

    @property
    def reason(self) -> str:
        """The newest stop reason; empty if there is none."""
        return str(object_or_empty(self._payload.get("delta")).get("stop_reason") or "")

    @property
    def has_verdicts(self) -> bool:
        """Whether it has the results of a safety check."""
        return bool(object_or_empty(self._payload.get("delta")).get(RESULTS))

    def reopen(self) -> None:
        """Note that the answer goes on: an earlier stop reason was not the end."""
        self.is_complete = False

    def take(self, *, usage: JsonObject, receipt: JsonObject) -> ReadEvent:
        """Return the event that ends the answer, with the receipt. It is held back no longer.

        ``usage`` is what the stream has stated in all. SDKs fail without a count of the answer's tokens.
        """
        payload, self._payload, self.is_held = self._payload, {}, False
        shown = object_or_empty(payload["usage"])
        if number_or_none(shown.get(COUNT)) is None:
            shown[COUNT] = usage[COUNT] if number_or_none(usage.get(COUNT)) is not None else 0
        delta = object_or_empty(payload["delta"])
        delta.setdefault("stop_sequence", None)
        if self.results is not None:
            delta[RESULTS] = self.results
        return ReadEvent.of({**payload, "gateway": receipt})
