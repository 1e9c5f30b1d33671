"""The upstream's dialect: how a reply is read up to the commit point."""

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
from gateway.http.message import Reply
from gateway.http.sse import BOM, EventTooLargeError, SseDecoder, data_of

DONE = b"[DONE]"
_GENERATION_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
# Events without progress are kept until the commit; nobody sends this many before the first word.
MAX_HELD_EVENTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A plain answer that passed: as parsed, and as it came, from brace to brace."""

    payload: JsonObject
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedStream:
    """A stream whose first progress is here; the rest is still to be read from ``reply``.

    Attributes:
        first: the payload of the event that committed.
        events: what has arrived so far, comments left out.
        decoder: holds the beginning of the next event.
    """

    reply: Reply
    first: JsonObject
    events: tuple[bytes, ...]
    decoder: SseDecoder


def generation_id_in(reply: Reply) -> str | None:
    """Return the name that OpenRouter gives an answer before it begins; None where it gives none.

    Source: OpenRouter `X-Generation-Id`. It becomes a part of a path later: what is no plain name is none.
    """
    return as_generation_id(reply.header("x-generation-id"))


def as_generation_id(name: Json) -> str | None:
    """Return a generation's name; None for what cannot be one."""
    return name if isinstance(name, str) and _GENERATION_ID.fullmatch(name) else None


async def commit(
    reply: Reply, test: AnswerTest, *, stream: bool, now_s: float
) -> Completion | CommittedStream:
    """Read a reply up to the first thing that proves that the model answers.

    Raises:
        AttemptFailedError: it does not answer.
        TransportError: the connection broke first.
    """
    if reply.status != 200:
        raise AttemptFailedError(await _fault_in(reply, now_s=now_s))
    if stream and "event-stream" in (reply.header("content-type") or ""):
        return await _first_progress(reply, now_s=now_s)
    raw = without_keep_alives(await reply.read_all())
    payload = completion_in(raw, test, header=reply.header, now_s=now_s)
    if stream:
        raise AttemptFailedError(Fault(code="wrong_content_type"))
    return Completion(payload=payload, raw=raw)


async def _fault_in(reply: Reply, *, now_s: float) -> Fault:
    """Return the fault that a reply with another status than 200 stands for, whatever its body is."""
    error = None
    if reply.status >= 400:
        try:
            payload = parse_json(await reply.read_all())
        except ValueError:
            payload = None
        error = payload.get("error") if isinstance(payload, dict) else None
    return classify(error, status=reply.status, header=reply.header, now_s=now_s)


async def _first_progress(reply: Reply, *, now_s: float) -> CommittedStream:
    decoder = SseDecoder()
    held: list[bytes] = []
    while piece := await reply.read():
        events = _events_in(decoder, piece)
        for index, event in enumerate(events):
            data = data_of(event)
            if not data:
                continue  # a comment keeps the socket alive and says nothing of the model
            payload, look = _look(data, reply, now_s)
            # Other bytes may go to the client before it: a mark that no longer begins its stream is a letter.
            held.append(event.removeprefix(BOM))
            if look.substance or look.finish == "length":
                return CommittedStream(
                    reply=reply,
                    first=payload,
                    events=(*held, *events[index + 1 :]),
                    decoder=decoder,
                )
            if look.finish or len(held) > MAX_HELD_EVENTS:
                filtered = look.finish == "content_filter"
                raise AttemptFailedError(Fault(code="filtered_answer" if filtered else "empty_answer"))
    if rest := data_of(decoder.rest):  # an error as the last word, without the blank line after it
        _look(rest, reply, now_s)
    raise AttemptFailedError(Fault(code="empty_answer"))


def _events_in(decoder: SseDecoder, piece: bytes) -> list[bytes]:
    try:
        return decoder.feed(piece)
    except EventTooLargeError:
        raise AttemptFailedError(Fault(code="malformed_event")) from None


def _look(data: bytes, reply: Reply, now_s: float) -> tuple[JsonObject, EventFacts]:
    if data == DONE:
        raise AttemptFailedError(Fault(code="empty_answer"))
    try:
        payload = parse_json(data)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise AttemptFailedError(Fault(code="malformed_event"))
    return payload, inspect_event(payload, header=reply.header, now_s=now_s)
