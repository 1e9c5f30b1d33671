"""Reads an upstream's reply up to the commit point: the first proof that the model answers.

Before the commit point the gateway can still fall back to another model. After it the answer belongs to
this model.
"""

import re

from gateway.dialects.answer_stream import Opened, Opening
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.dialect import Dialect, StreamingDialect, streaming_of
from gateway.dialects.error_forms import error_in
from gateway.dialects.event_data import EventPayload, MalformedEventError, bare_error_in, is_done, payload_in
from gateway.dialects.keep_alives import without_keep_alives
from gateway.dialects.plain_answer import Completion
from gateway.faults.classify import classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty
from gateway.http.long_strings import NONE
from gateway.http.message import Reply, ReplyTooLargeError
from gateway.http.sse import BOM, EventTooLargeError, SseDecoder, data_of

_GENERATION_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
MAX_ERROR_BYTES = 1024 * 1024
# Events without progress are held until the commit. A healthy stream has far fewer before its first text.
MAX_HELD_EVENTS = 1_000
# How many bytes a stream may send without progress, comments included, and the least that one event counts.
MAX_IDLE_BYTES, LEAST_EVENT_BYTES = 1024 * 1024, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedStream:
    """A stream that has made its first progress; the remaining events are still to be read from ``reply``.

    Attributes:
        first: the object with the answer's ``id``, ``model`` and ``provider``, as ``Opening`` found it.
        events: the events that have arrived so far, without the comments before the commit.
        decoder: holds the bytes of the next event that have already arrived.
    """

    reply: Reply
    first: JsonObject
    events: tuple[bytes, ...]
    decoder: SseDecoder


def generation_id_in(reply: Reply) -> str | None:
    """Return OpenRouter's generation ID from the reply's headers; None if it is missing or malformed.

    Source: OpenRouter `X-Generation-Id`. The ID later becomes part of a URL's path, so it is checked.
    """
    return as_generation_id(reply.header("x-generation-id"))


def as_generation_id(name: Json) -> str | None:
    """Return a value if it is a plain ID (letters, digits, ``_``, ``-``; at most 128); None otherwise."""
    return name if isinstance(name, str) and _GENERATION_ID.fullmatch(name) else None


async def commit(
    reply: Reply,
    dialect: Dialect,
    test: AnswerTest,
    *,
    stream: bool,
    max_bytes: int,
    now_s: float,
    watched: bool = False,
) -> Completion | CommittedStream:
    """Read a reply up to the commit point: a checked plain answer, or a stream's first progress.

    Args:
        reply: the reply, whose body has not been read.
        dialect: the wire format of the answer.
        test: the checks that a plain answer must pass.
        stream: whether a stream was requested.
        max_bytes: the limit of a plain answer, and of one event of a stream.
        now_s: Unix time.
        watched: whether the stream becomes a plain answer, which is checked when it is complete. A finish
            reason then commits too, and a plain answer to the request is accepted.

    Raises:
        AttemptFailedError: the reply is an error, or not an answer.
        TransportError: the connection failed before the commit point.
    """
    if reply.status != 200:
        raise AttemptFailedError(await fault_in(reply, now_s=now_s))
    if stream and "event-stream" in (reply.header("content-type") or "").lower():
        return await _first_progress(
            reply, streaming_of(dialect), SseDecoder(max_bytes), now_s=now_s, watched=watched
        )
    try:
        raw = without_keep_alives(await reply.read_all(max_bytes))
    except ReplyTooLargeError:
        raise AttemptFailedError(Fault(code="answer_too_large")) from None
    completion = dialect.read_answer(raw, test, header=reply.header, now_s=now_s)
    if stream and not watched:
        raise AttemptFailedError(Fault(code="wrong_content_type"))
    return completion


async def fault_in(reply: Reply, *, now_s: float) -> Fault:
    """Return the fault for a reply whose status is not 200; its body may be anything, also no JSON."""
    error = None
    if reply.status >= 400:
        try:
            payload = parse_json(await reply.read_all(MAX_ERROR_BYTES))
        except (ReplyTooLargeError, ValueError):
            payload = None
        error = error_in(payload)
    return classify(error, status=reply.status, header=reply.header, now_s=now_s)


async def _first_progress(
    reply: Reply, dialect: StreamingDialect, decoder: SseDecoder, *, now_s: float, watched: bool
) -> CommittedStream:
    opening = dialect.opening(header=reply.header, now_s=now_s, watched=watched)
    held: list[bytes] = []
    idle_bytes = 0
    while piece := await reply.read():
        events = _events_in(decoder, piece)
        for index, event in enumerate(events):
            opened = _take(event, opening, held)
            if opened is Opened.COMMITTED:
                following = events[index + 1 :]
                return CommittedStream(
                    reply=reply, first=opening.first, events=(*held, *following), decoder=decoder
                )
            if opened is Opened.WITHHELD:
                withheld = _complete(reply, dialect, opening.first, held)
                fault = Fault(code="filtered_answer", cost_usd=_cost_in(event, dialect.answer_member))
                raise AttemptFailedError(fault, withheld=withheld)
            idle_bytes += idle_bytes_of(event)
            if idle_bytes > MAX_IDLE_BYTES:
                raise AttemptFailedError(Fault(code="answer_too_large"))
    # An error may come last, without the blank line that ends an event.
    if last := _read(decoder.rest):
        opening.take(last.payload)
    raise AttemptFailedError(Fault(code="empty_answer"))


def _take(event: bytes, opening: Opening, held: list[bytes]) -> Opened:
    """Return what an event before the commit means, and hold it if the client needs it.

    Raises:
        AttemptFailedError: the stream ends here, or holds too much without progress.
    """
    read = _read(event)
    if read is None:  # a keep-alive: those do not prove that the model works
        return Opened.DROPPED
    opened = opening.take(read.payload)
    if opened is not Opened.DROPPED:
        # A byte order mark counts only at the very start, where the gateway may send other bytes.
        held.append(event.removeprefix(BOM))
    if opened is Opened.HELD and len(held) > MAX_HELD_EVENTS:
        raise AttemptFailedError(Fault(code="empty_answer"))
    return opened


def _complete(
    reply: Reply, dialect: StreamingDialect, first: JsonObject, events: list[bytes]
) -> CommittedStream:
    """Return a stream of which nothing more is read: it ends after these events."""
    return CommittedStream(
        reply=reply, first=first, events=(*events, dialect.end_event), decoder=SseDecoder()
    )


def _cost_in(event: bytes, member: str | None) -> float | None:
    """Return the cost in the usage of an event; None if it states none. A withheld answer may be billed.

    ``member`` has the answer; see ``Dialect.answer_member``.
    """
    read = _read(event)
    answer = object_or_empty(read.payload.get(member) if member else read.payload) if read else {}
    return number_or_none(object_or_empty(answer.get("usage")).get("cost"))


def idle_bytes_of(event: bytes) -> int:
    """Return how many bytes an event without progress counts toward ``MAX_IDLE_BYTES``."""
    return max(len(event), LEAST_EVENT_BYTES)


def _events_in(decoder: SseDecoder, piece: bytes) -> list[bytes]:
    try:
        return decoder.feed(piece)
    except EventTooLargeError:
        raise AttemptFailedError(Fault(code="malformed_event")) from None


def _read(event: bytes) -> EventPayload | None:
    """Return what an event says before the commit; None if it says nothing.

    Raises:
        AttemptFailedError: the stream ends here, or the event is malformed.
    """
    data = data_of(event)
    if data is None:
        error = bare_error_in(event)
        return EventPayload(error, NONE) if error else None
    if is_done(data):
        raise AttemptFailedError(Fault(code="empty_answer"))
    try:
        return payload_in(data) if data.strip() else None
    except MalformedEventError:
        raise AttemptFailedError(Fault(code="malformed_event")) from None
