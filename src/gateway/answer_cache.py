"""Answers that are kept for the same request: what its key is, what may be kept, and in which form.

Kept is what the client got, without its receipt. Only whole answers that ended by themselves and call no
tool: what was cut, filtered or broken off is not what a second request should get.
"""

from dataclasses import dataclass
from hashlib import sha256

from gateway.answers import parse_json
from gateway.json_bytes import to_json_bytes
from gateway.prepare import Prepared
from gateway.sse import SseDecoder, data_of, event_of
from gateway.wire import Json, JsonObject, list_or_empty, number_or_none, object_or_empty, text_or_none

VERSION = 1
MOST_BYTES = 1_000_000
DONE = b"[DONE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """An answer as it is kept.

    Attributes:
        at_s: when it was given, in Unix time.
        model: what served it.
        chunks: a plain answer is one; of a stream every chunk, without ``[DONE]``.
    """

    at_s: float
    model: str
    chunks: tuple[JsonObject, ...]


def key_of(prepared: Prepared) -> str:
    """Return the name under which the answer is kept: of the caller, and all that shapes the answer."""
    chat, planned = prepared.chat, prepared.planned
    test = planned.answer_test
    parts: list[Json] = [
        VERSION,
        prepared.caller.name,
        chat.stream,
        [*planned.requested],
        [test.json, test.reasoning_only, planned.openai_usage],
    ]
    return sha256(to_json_bytes(parts) + chat.fields).hexdigest()


def to_kept(answer: KeptAnswer) -> bytes | None:
    """Return the answer as bytes; None where it may not be kept."""
    if not all(_ended_by_itself(chunk) for chunk in answer.chunks) or not _has_ended(answer.chunks):
        return None
    chunks: list[Json] = [*answer.chunks]
    kept = to_json_bytes({"version": VERSION, "at_s": answer.at_s, "model": answer.model, "chunks": chunks})
    return kept if len(kept) <= MOST_BYTES else None


def from_kept(raw: bytes) -> KeptAnswer | None:
    """Return what bytes hold; None where they are corrupted, or of another version."""
    try:
        kept = object_or_empty(parse_json(raw))
    except ValueError:
        return None
    at_s, model = number_or_none(kept.get("at_s")), text_or_none(kept.get("model"))
    chunks = tuple(each for each in list_or_empty(kept.get("chunks")) if isinstance(each, dict))
    if kept.get("version") != VERSION or at_s is None or model is None or not chunks:
        return None
    return KeptAnswer(at_s=at_s, model=model, chunks=chunks)


def chunks_in(stream: bytes) -> tuple[JsonObject, ...]:
    """Return the chunks of a stream as a client got it, without receipts; none where it was not whole."""
    chunks: list[JsonObject] = []
    decoder = SseDecoder()
    datas = [data for event in decoder.feed(stream) if (data := data_of(event))]
    if not datas or datas[-1] != DONE:
        return ()
    for data in datas[:-1]:
        chunk = object_or_empty(parse_json(data))
        chunk.pop("gateway", None)
        chunks.append(chunk)
    return tuple(chunks)


def replayed(answer: KeptAnswer, receipt: JsonObject) -> bytes:
    """Return a kept stream as events again: nothing was paid for it, and its usage chunk has this receipt."""
    events = []
    for chunk in answer.chunks:
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            chunk = {**chunk, "usage": {**usage, "cost": 0}, "gateway": receipt}  # noqa: PLW2901  # as it is sent
        events.append(event_of(to_json_bytes(chunk)))
    return b"".join(events) + event_of(DONE)


def answered_again(answer: KeptAnswer, receipt: JsonObject) -> bytes:
    """Return a kept plain answer as a body again: nothing was paid for it, and it has this receipt."""
    payload = {**answer.chunks[0], "gateway": receipt}
    usage = payload.get("usage")
    if isinstance(usage, dict):
        payload["usage"] = {**usage, "cost": 0}
    return to_json_bytes(payload)


def _ended_by_itself(chunk: JsonObject) -> bool:
    """Return whether nothing in a chunk, or a plain answer, forbids keeping it."""
    if chunk.get("error"):
        return False
    for each in list_or_empty(chunk.get("choices")):
        choice = object_or_empty(each)
        said = object_or_empty(choice.get("message") or choice.get("delta"))
        if choice.get("error") or said.get("tool_calls") or said.get("function_call"):
            return False
        if choice.get("finish_reason") not in (None, "stop"):
            return False
    return True


def _has_ended(chunks: tuple[JsonObject, ...]) -> bool:
    """Return whether every choice said that it had ended."""
    ended: dict[Json, bool] = {}
    for chunk in chunks:
        for each in list_or_empty(chunk.get("choices")):
            choice = object_or_empty(each)
            index = choice.get("index")
            place = index if isinstance(index, int) else 0
            ended[place] = ended.get(place, False) or choice.get("finish_reason") == "stop"
    return bool(ended) and all(ended.values())
