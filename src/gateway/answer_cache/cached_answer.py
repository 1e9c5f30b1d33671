"""A kept answer: how it is stored, and how it is given again.

A stream is given again byte for byte; only its usage, which holds a receipt and a cost, is written anew.
"""

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
from gateway.http.sse import data_of, event_of

VERSION = 2
_CRC_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """An answer as it is kept.

    Attributes:
        at_s: when it was given, in Unix time.
        model: what served it.
        body: what the client got, without receipts; of a stream without comments.
        usages: where in a stream the events with a usage are: from, to.
    """

    at_s: float
    model: str
    body: bytes
    usages: tuple[tuple[int, int], ...] = ()


def pack(answer: CachedAnswer) -> bytes:
    """Return the answer as bytes: a checksum of the rest, a line of JSON, the body."""
    usages: list[Json] = [[start, end] for start, end in answer.usages]
    head: JsonObject = {"version": VERSION, "at_s": answer.at_s, "model": answer.model, "usages": usages}
    rest = to_json_bytes(head) + b"\n" + answer.body
    return _checksum(rest) + rest


def unpack(raw: bytes) -> CachedAnswer | None:
    """Return what bytes hold; None where they are corrupted, or of another version."""
    checksum, rest = raw[:_CRC_DIGITS], raw[_CRC_DIGITS:]
    line, _, body = rest.partition(b"\n")
    if checksum != _checksum(rest):
        return None
    try:
        head = object_or_empty(parse_json(line))
        usages = tuple(_span(each) for each in list_or_empty(head.get("usages")))
    except ValueError:
        return None
    at_s, model = number_or_none(head.get("at_s")), text_or_none(head.get("model"))
    if head.get("version") != VERSION or at_s is None or model is None:
        return None
    return CachedAnswer(at_s=at_s, model=model, body=body, usages=usages)


def replay_stream(answer: CachedAnswer, receipt: JsonObject) -> bytes:
    """Return a kept stream again: nothing was paid for it, and its usage has this receipt."""
    parts: list[bytes] = []
    done = 0
    for start, end in answer.usages:
        data = data_of(answer.body[start:end]) or b"{}"
        parts += [answer.body[done:start], event_of(_replayed(data, receipt))]
        done = end
    return b"".join(parts) + answer.body[done:]


def replay_plain(answer: CachedAnswer, receipt: JsonObject) -> bytes:
    """Return a kept plain answer again: nothing was paid for it, and it has this receipt."""
    return _replayed(answer.body, receipt)


def _replayed(raw: bytes, receipt: JsonObject) -> bytes:
    payload = object_or_empty(parse_json(raw))
    usage = payload.get("usage")
    if isinstance(usage, dict):
        usage["cost"] = 0
        usage.pop("cost_details", None)  # of what it cost when it was new
    payload["gateway"] = receipt
    return to_json_bytes(payload)


def _span(value: Json) -> tuple[int, int]:
    start, end = (int(number_or_none(each) or 0) for each in list_or_empty(value))
    return start, end


def _checksum(raw: bytes) -> bytes:
    return b"%08x" % crc32(raw)
