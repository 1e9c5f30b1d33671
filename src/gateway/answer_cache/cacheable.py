"""Decides which answers may be cached, and under which key.

Only complete answers with the finish reason ``stop`` and without tool calls are cached. A second request must
not get an answer that was filtered, cut off, or ended by a length limit.
"""

from hashlib import sha256

from gateway.answer_cache.cached_answer import VERSION, CachedAnswer, pack
from gateway.dialects.chat.event_data import DONE
from gateway.http.destination import digest_of
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.http.sse import SseDecoder, data_of, event_of
from gateway.pipeline.prepare import Prepared
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings
from gateway.settings.upstreams import split_direct
from gateway.upstream.commit import Completion

MAX_BYTES = 1_000_000


def key_of(prepared: Prepared, settings: Settings) -> str:
    """Return the cache key: a digest of the caller and of all of the request that affects the answer.

    All Workers of a zone share one cache. No other Worker can make the same key without this gateway's keys.
    """
    chat, planned = prepared.chat, prepared.planned
    test = planned.answer_test
    parts: list[Json] = [
        VERSION,
        _caller_parts(prepared.caller, settings),
        _upstream_parts(planned.requested, settings),
        chat.stream,
        [*planned.requested],
        [test.json, test.reasoning_only, planned.openai_usage],
    ]
    digest = sha256(to_json_bytes(parts))
    digest.update(chat.fields.text)  # as it arrived: to serialize a long text again is expensive
    return digest.hexdigest()


def _caller_parts(caller: Caller, settings: Settings) -> list[Json]:
    """Return what tells callers apart: a name alone may belong to somebody else at another gateway."""
    tokens = sorted(key.digest.hex() for key in settings.gateway_keys if key.name == caller.name)
    return [caller.name, caller.own_key_digest, *tokens]


def _upstream_parts(models: tuple[str, ...], settings: Settings) -> list[Json]:
    """Return digests of OpenRouter's address and key, and of those of the direct upstreams that are named."""
    names = sorted({parts[0] for model in models if (parts := split_direct(model))})
    direct = [settings.direct[name].upstream for name in names if name in settings.direct]
    return [digest_of(upstream) for upstream in (settings.upstream, *direct)]


def plain_to_cache(answer: Completion, *, model: str, at_s: float) -> bytes | None:
    """Return a plain answer in the format of the cache; None if it may not be cached.

    Raises:
        ValueError: it holds a value that JSON cannot represent.
    """
    if not _is_cacheable([answer.payload]):
        return None
    pieces = answer.long.pieces(to_json_bytes(answer.payload))
    if sum(map(len, pieces)) > MAX_BYTES:
        return None
    body = b"".join(pieces)
    return _within_size(CachedAnswer(at_s=at_s, model=model, body=body))


def stream_to_cache(sent: bytes, *, model: str, at_s: float) -> bytes | None:
    """Return a stream in the format of the cache, from the client's bytes; None if it may not be cached.

    Raises:
        ValueError: it holds something that is not JSON, or a value that JSON cannot represent.
    """
    decoder = SseDecoder()
    events = [(event, data) for event in decoder.feed(sent) if (data := data_of(event)) is not None]
    if decoder.rest.strip() or not events or events[-1][1] != DONE:
        return None
    stored, chunks, usages = [], list[JsonObject](), list[tuple[int, int]]()
    length = 0
    for event, data in events[:-1]:
        chunk = object_or_empty(parse_json(data))
        chunks.append(chunk)
        bare = event
        if isinstance(chunk.get("usage"), dict):
            chunk.pop("gateway", None)
            bare = event_of(to_json_bytes(chunk))
            usages.append((length, length + len(bare)))
        stored.append(bare)
        length += len(bare)
    if not _is_cacheable(chunks):
        return None
    body = b"".join(stored) + events[-1][0]
    return _within_size(CachedAnswer(at_s=at_s, model=model, body=body, usages=tuple(usages)))


def _within_size(answer: CachedAnswer) -> bytes | None:
    packed = pack(answer)
    return packed if len(packed) <= MAX_BYTES else None


def _is_cacheable(chunks: list[JsonObject]) -> bool:
    return all(_allows_caching(chunk) for chunk in chunks) and _has_ended(chunks)


def _allows_caching(chunk: JsonObject) -> bool:
    """Return whether nothing in a chunk or a plain answer forbids caching: no error, no tool call, no cut."""
    if chunk.get("error"):
        return False
    for each in list_or_empty(chunk.get("choices")):
        choice = object_or_empty(each)
        message = object_or_empty(choice.get("message") or choice.get("delta"))
        if choice.get("error") or message.get("tool_calls") or message.get("function_call"):
            return False
        if choice.get("finish_reason") not in (None, "stop"):
            return False
    return True


def _has_ended(chunks: list[JsonObject]) -> bool:
    """Return whether every choice has the finish reason ``stop``."""
    ended: dict[Json, bool] = {}
    for chunk in chunks:
        for each in list_or_empty(chunk.get("choices")):
            choice = object_or_empty(each)
            index = choice.get("index")
            place = index if isinstance(index, int) else 0
            ended[place] = ended.get(place, False) or choice.get("finish_reason") == "stop"
    return bool(ended) and all(ended.values())
