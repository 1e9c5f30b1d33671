"""Defines how a cached answer is stored, and how it is replayed.

A stream is replayed byte for byte. Only events with a usage are rewritten: they hold a cost and a receipt.
"""

from collections.abc import Callable
from zlib import crc32

from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import (
    Json,
    JsonObject,
    list_or_empty,
    number_or_none,
    object_or_empty,
    text_or_none,
)
from gateway.http.sse import data_of

VERSION = 2
_CRC_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """A cached answer.

    Attributes:
        at_s: when it was cached, in Unix time.
        model: the model that served it.
        body: the bytes that the client got, without receipts, and for a stream without comments.
        usages: the start and end of each event of a stream that has a usage, as offsets into ``body``; of an
            answer with parts, those of each part.
    """

    at_s: float
    model: str
    body: bytes
    usages: tuple[tuple[int, int], ...] = ()


def pack(answer: CachedAnswer) -> bytes:
    """Return the answer as bytes: a checksum of all that follows, a line of JSON, the body."""
    usages: list[Json] = [[start, end] for start, end in answer.usages]
    header: JsonObject = {"version": VERSION, "at_s": answer.at_s, "model": answer.model, "usages": usages}
    content = to_json_bytes(header) + b"\n" + answer.body
    return _checksum(content) + content


def unpack(raw: bytes) -> CachedAnswer | None:
    """Return the answer that the bytes hold; None if they are corrupted or of another version."""
    checksum, content = raw[:_CRC_DIGITS], raw[_CRC_DIGITS:]
    line, _, body = content.partition(b"\n")
    if checksum != _checksum(content):
        return None
    try:
        header = object_or_empty(parse_json(line))
        usages = tuple(_span(each) for each in list_or_empty(header.get("usages")))
    except ValueError:
        return None
    at_s, model = number_or_none(header.get("at_s")), text_or_none(header.get("model"))
    if header.get("version") != VERSION or at_s is None or model is None:
        return None
    return CachedAnswer(at_s=at_s, model=model, body=body, usages=usages)


def fresh_in(raw: bytes | None, *, now_s: float, ttl_s: float) -> CachedAnswer | None:
    """Return the answer that the cache holds, if it is not older than ``ttl_s``; else None."""
    answer = unpack(raw) if raw else None
    return answer if answer is not None and 0.0 <= now_s - answer.at_s <= ttl_s else None


def replay_stream(
    answer: CachedAnswer,
    receipt: JsonObject,
    event_of: Callable[[JsonObject], bytes],
    *,
    member: str | None,
) -> bytes:
    """Return the bytes that replay a cached stream: its usage gets this receipt and a cost of 0.

    ``event_of`` returns an event with a payload. ``member`` has the answer; see ``Dialect.answer_member``.
    """
    parts: list[bytes] = []
    copied = 0
    for start, end in answer.usages:
        data = data_of(answer.body[start:end]) or b"{}"
        parts += [answer.body[copied:start], event_of(_replayed(data, receipt, member))]
        copied = end
    return b"".join(parts) + answer.body[copied:]


def replay_plain(answer: CachedAnswer, receipt: JsonObject) -> bytes:
    """Return the bytes that replay a cached plain answer: it gets this receipt and a cost of 0."""
    return to_json_bytes(_replayed(answer.body, receipt, None))


def _replayed(raw: bytes, receipt: JsonObject, member: str | None) -> JsonObject:
    payload = object_or_empty(parse_json(raw))
    answer = object_or_empty(payload.get(member)) if member else payload
    usage = answer.get("usage")
    if isinstance(usage, dict):
        usage["cost"] = 0
        usage.pop("cost_details", None)  # they refer to the original cost
    answer["gateway"] = receipt
    return payload


def _span(value: Json) -> tuple[int, int]:
    start, end = (int(number_or_none(each) or 0) for each in list_or_empty(value))
    return start, end


def _checksum(raw: bytes) -> bytes:
    return b"%08x" % crc32(raw)
