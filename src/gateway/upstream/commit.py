"""Reads an upstream's reply up to the commit point: the first proof that the model answers.

Before the commit point the gateway can still fall back to another model. After it the answer belongs to
this model.
"""

import re

from gateway.dialects.chat.answer_checks import (
    AnswerTest,
    EventFacts,
    completion_in,
    inspect_event,
    without_keep_alives,
)
from gateway.faults.classify import classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject
from gateway.http.message import Reply, ReplyTooLargeError
from gateway.http.sse import BOM, MAX_EVENT_VALUES, EventTooLargeError, SseDecoder, data_of

DONE = b"[DONE]"
_GENERATION_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
MAX_ANSWER_BYTES = 16 * 1024 * 1024  # a plain answer, with its images
MAX_ERROR_BYTES = 1024 * 1024
# Events without progress are held until the commit. A healthy stream has far fewer before its first text.
MAX_HELD_EVENTS = 1_000
# How many bytes a stream may send without progress, comments included, and the least that one event counts.
MAX_IDLE_BYTES, LEAST_EVENT_BYTES = 1024 * 1024, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A plain answer that passed the checks.

    Attributes:
        payload: the parsed JSON object.
        raw: the same object as bytes, unchanged, from its opening to its closing brace.
    """

    payload: JsonObject
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedStream:
    """A stream that has made its first progress; the remaining events are still to be read from ``reply``.

    Attributes:
        first: the payload of the event that committed.
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
    reply: Reply, test: AnswerTest, *, stream: bool, now_s: float
) -> Completion | CommittedStream:
    """Read a reply up to the commit point: a checked plain answer, or a stream's first progress.

    Raises:
        AttemptFailedError: the reply is an error, or not an answer.
        TransportError: the connection failed before the commit point.
    """
    if reply.status != 200:
        raise AttemptFailedError(await _fault_in(reply, now_s=now_s))
    if stream and "event-stream" in (reply.header("content-type") or ""):
        return await _first_progress(reply, now_s=now_s)
    try:
        raw = without_keep_alives(await reply.read_all(MAX_ANSWER_BYTES))
    except ReplyTooLargeError:
        raise AttemptFailedError(Fault(code="answer_too_large")) from None
    payload = completion_in(raw, test, header=reply.header, now_s=now_s)
    if stream:
        raise AttemptFailedError(Fault(code="wrong_content_type"))
    return Completion(payload=payload, raw=raw)


async def _fault_in(reply: Reply, *, now_s: float) -> Fault:
    """Return the fault for a reply whose status is not 200; its body may be anything, also no JSON."""
    error = None
    if reply.status >= 400:
        try:
            payload = parse_json(await reply.read_all(MAX_ERROR_BYTES))
        except (ReplyTooLargeError, ValueError):
            payload = None
        error = payload.get("error") if isinstance(payload, dict) else None
    return classify(error, status=reply.status, header=reply.header, now_s=now_s)


async def _first_progress(reply: Reply, *, now_s: float) -> CommittedStream:
    decoder = SseDecoder()
    held: list[bytes] = []
    idle_bytes = 0
    while piece := await reply.read():
        events = _events_in(decoder, piece)
        for index, event in enumerate(events):
            data = data_of(event)
            if data:  # not a keep-alive comment, or empty data: neither proves that the model works
                payload, facts = _inspect(data, reply, now_s)
                # A byte order mark counts only at the very start, where the gateway may send other bytes.
                held.append(event.removeprefix(BOM))
                if facts.substance or facts.finish == "length":
                    return CommittedStream(
                        reply=reply,
                        first=payload,
                        events=(*held, *events[index + 1 :]),
                        decoder=decoder,
                    )
                if facts.finish or len(held) > MAX_HELD_EVENTS:
                    filtered = facts.finish == "content_filter"
                    raise AttemptFailedError(Fault(code="filtered_answer" if filtered else "empty_answer"))
            idle_bytes += idle_bytes_of(event)
            if idle_bytes > MAX_IDLE_BYTES:
                raise AttemptFailedError(Fault(code="answer_too_large"))
    if last := data_of(decoder.rest):  # an error may come last, without the blank line that ends an event
        _inspect(last, reply, now_s)
    raise AttemptFailedError(Fault(code="empty_answer"))


def idle_bytes_of(event: bytes) -> int:
    """Return how many bytes an event without progress counts toward ``MAX_IDLE_BYTES``."""
    return max(len(event), LEAST_EVENT_BYTES)


def payload_in(data: bytes) -> JsonObject | None:
    """Return the JSON object that an event's data is; None if it is anything else, or too large."""
    try:
        payload = parse_json(data, max_values=MAX_EVENT_VALUES)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _events_in(decoder: SseDecoder, piece: bytes) -> list[bytes]:
    try:
        return decoder.feed(piece)
    except EventTooLargeError:
        raise AttemptFailedError(Fault(code="malformed_event")) from None


def _inspect(data: bytes, reply: Reply, now_s: float) -> tuple[JsonObject, EventFacts]:
    """Return an event's payload and what it says about the attempt; raise if the attempt has failed."""
    if data == DONE:
        raise AttemptFailedError(Fault(code="empty_answer"))
    payload = payload_in(data)
    if payload is None:
        raise AttemptFailedError(Fault(code="malformed_event"))
    return payload, inspect_event(payload, header=reply.header, now_s=now_s)
