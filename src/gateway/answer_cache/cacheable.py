"""Finds the key of an answer in the cache, and packs answers that may be cached."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from gateway.answer_cache.cached_answer import VERSION, CachedAnswer, pack
from gateway.dialects.dialect import Dialect, StreamingDialect
from gateway.dialects.event_data import DONE
from gateway.dialects.plain_answer import Completion
from gateway.http.destination import digest_of
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.sse import SseDecoder, data_of
from gateway.pipeline.prepared import Prepared
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings
from gateway.settings.upstreams import split_direct

if TYPE_CHECKING:
    from hashlib import _Hash

MAX_BYTES = 1_000_000


def key_of(prepared: Prepared, settings: Settings) -> str:
    """Return the cache key: a digest of the caller and of all of the request that affects the answer.

    All Workers of a zone share one cache. No other Worker can make the same key without this gateway's keys.
    """
    digest = _digest_of(prepared, settings)
    digest.update(prepared.request.fields.text)  # as it arrived: to serialize a long text again is expensive
    return digest.hexdigest()


def keys_of_parts(
    prepared: Prepared, settings: Settings, fields: bytes, groups: Sequence[Sequence[bytes]]
) -> list[str]:
    """Return a key for each group of a request's items.

    Args:
        prepared: the request.
        settings: the Worker's settings.
        fields: the fields of the request that hold for all its items.
        groups: the items.
    """
    of_all = _digest_of(prepared, settings)
    of_all.update(b"parts:%d:%b" % (len(fields), fields))
    keys = []
    for group in groups:
        digest = of_all.copy()
        digest.update(b",".join(group))
        keys.append(digest.hexdigest())
    return keys


def _digest_of(prepared: Prepared, settings: Settings) -> "_Hash":
    """Return a digest of the caller, and of what a request's fields do not say."""
    request, planned = prepared.request, prepared.planned
    test = planned.answer_test
    parts: list[Json] = [
        VERSION,
        _caller_parts(prepared.caller, settings),
        _upstream_parts(planned.requested, settings),
        request.stream,
        [*planned.requested],
        [test.json, test.reasoning_only, request.openai_usage, planned.shown_model],
        [prepared.dialect.name, *(text for pair in prepared.headers for text in pair)],
    ]
    return sha256(to_json_bytes(parts))


def _caller_parts(caller: Caller, settings: Settings) -> list[Json]:
    """Return what tells callers apart: a name alone may belong to somebody else at another gateway."""
    tokens = sorted(key.digest.hex() for key in settings.gateway_keys if key.name == caller.name)
    return [caller.name, caller.own_key_digest, caller.key_id, *tokens]


def _upstream_parts(models: tuple[str, ...], settings: Settings) -> list[Json]:
    """Return digests of OpenRouter's address and key, and of those of the direct upstreams that are named."""
    names = sorted({parts[0] for model in models if (parts := split_direct(model))})
    direct = [settings.direct[name].upstream for name in names if name in settings.direct]
    return [digest_of(upstream) for upstream in (settings.upstream, *direct)]


def plain_to_cache(answer: Completion, dialect: Dialect, *, model: str, at_s: float) -> bytes | None:
    """Return a plain answer in the format of the cache; None if it may not be cached.

    Raises:
        ValueError: it holds a value that JSON cannot represent.
    """
    if not dialect.may_cache([answer.payload], ended=True):
        return None
    pieces = answer.long.pieces(to_json_bytes(answer.payload))
    if sum(map(len, pieces)) > MAX_BYTES:
        return None
    body = b"".join(pieces)
    return within_size(CachedAnswer(at_s=at_s, model=model, body=body))


def stream_to_cache(sent: bytes, dialect: StreamingDialect, *, model: str, at_s: float) -> bytes | None:
    """Return a stream in the format of the cache, from the client's bytes; None if it may not be cached.

    Raises:
        ValueError: it holds something that is not JSON, or a value that JSON cannot represent.
    """
    decoder = SseDecoder()
    events = [(event, data) for event in decoder.feed(sent) if (data := data_of(event)) is not None]
    if decoder.rest.strip() or not events:
        return None
    stored, payloads, usages = [], list[JsonObject](), list[tuple[int, int]]()
    length = 0
    ended = events[-1][1] == DONE
    for event, data in events[:-1] if ended else events:
        if data == DONE:  # more follows: the client may have read it, or not
            return None
        payload = object_or_empty(parse_json(data))
        payloads.append(payload)
        bare = event
        answer = object_or_empty(payload.get(member)) if (member := dialect.answer_member) else payload
        if "gateway" in answer or isinstance(answer.get("usage"), dict):
            answer.pop("gateway", None)
            bare = dialect.event_of(payload)
            usages.append((length, length + len(bare)))
        stored.append(bare)
        length += len(bare)
    if not dialect.may_cache(payloads, ended=ended):
        return None
    body = b"".join(stored) + (events[-1][0] if ended else b"")
    return within_size(CachedAnswer(at_s=at_s, model=model, body=body, usages=tuple(usages)))


def within_size(answer: CachedAnswer) -> bytes | None:
    """Return an answer in the format of the cache; None if it is too large."""
    packed = pack(answer)
    return packed if len(packed) <= MAX_BYTES else None
