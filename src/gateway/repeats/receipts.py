"""Puts the receipt of a repeat into the answer of the first request, and sets its cost to 0."""

from collections.abc import Callable
from json import JSONDecoder

from gateway.answer_cache.cached_answer import make_free, replayed
from gateway.dialects.dialect import StreamingDialect
from gateway.http.json_bytes import parse_json
from gateway.http.json_members import read_members
from gateway.http.json_values import JsonObject, object_or_empty
from gateway.http.sse import SseDecoder, data_of

_RECEIPT = b'"gateway"'


def with_receipt(body: bytes, receipt: JsonObject) -> bytes:
    """Return a plain answer with this receipt and a cost of 0. The rest is unchanged, byte for byte."""
    try:
        _, members = read_members(body, JSONDecoder())
        usage = members.value("usage")
    except ValueError:  # an object of more members than are read, or one that is too deep
        return body
    members = members.without(("gateway",))
    if isinstance(usage, dict):
        make_free(usage)
        members = members.without(("usage",)).plus("usage", usage)
    return b"{%b}" % members.plus("gateway", receipt).text


class StreamReceipts:
    """Puts the receipt into each event of a stream that has one.

    Args:
        dialect: the wire format of the stream.
        receipt: returns the receipt.
        max_event_bytes: the most that an event may have.
    """

    def __init__(
        self, dialect: StreamingDialect, receipt: Callable[[], JsonObject], *, max_event_bytes: int
    ) -> None:
        self._dialect = dialect
        self._receipt = receipt
        self._decoder = SseDecoder(max_event_bytes)

    def change(self, data: bytes, *, is_last: bool) -> bytes:
        """Return the events that these bytes complete; after the last ones, also what completes no event."""
        events = b"".join(map(self._changed, self._decoder.feed(data)))
        return events + self._decoder.rest if is_last else events

    def _changed(self, event: bytes) -> bytes:
        if _RECEIPT not in event or (data := data_of(event)) is None:
            return event
        try:
            payload = object_or_empty(parse_json(data))
        except ValueError:
            return event
        member = self._dialect.answer_member
        answer = object_or_empty(payload.get(member)) if member else payload
        if not isinstance(answer.get("usage"), dict) or not isinstance(answer.get("gateway"), dict):
            return event
        return self._dialect.event_of(replayed(data, self._receipt(), member))
