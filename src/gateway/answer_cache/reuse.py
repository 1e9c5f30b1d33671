"""Answers a request from the answer cache, if the request allows it, and caches new answers."""

from collections.abc import Callable

from gateway.answer_cache.cacheable import key_of, plain_to_cache, stream_to_cache
from gateway.answer_cache.cached_answer import replay_plain, replay_stream, unpack
from gateway.answer_cache.record_stream import RecordedStream
from gateway.fallback.receipt import Receipt
from gateway.fallback.respond import respond_answer, respond_stream
from gateway.http.body import HttpResponse, Sink, Stream
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import ClientGoneError
from gateway.pipeline.call import Call
from gateway.pipeline.prepare import Prepared


async def reuse(
    call: Call, prepared: Prepared, receipt: Receipt, done: Callable[[str], None]
) -> HttpResponse | None:
    """Return the response with the cached answer; None on a miss, or if the request does not use the cache.

    Args:
        call: the request and its ports.
        prepared: the request, parsed and planned.
        receipt: the request's receipt, which records the hit or the miss.
        done: called with the outcome when the replayed answer has been sent.
    """
    ttl_s = prepared.planned.cache_ttl_s
    if ttl_s is None or not prepared.planned.chain:
        return None
    receipt.cache = "miss"
    raw = await call.ports.answer_cache.get(key_of(prepared, call.settings))
    answer = unpack(raw) if raw else None
    age_s = call.ports.now_s() - answer.at_s if answer else 0.0
    if answer is None or not 0.0 <= age_s <= ttl_s:
        return None
    receipt.reuse(answer.model, age_s=age_s)
    receipt.time_until(call.ports.now_s())
    if prepared.chat.stream:
        stream = _ReplayedStream(replay_stream(answer, receipt.to_json()), done)
        return respond_stream(stream, receipt, call.frame)
    body = replay_plain(answer, receipt.to_json())
    done("answered")
    return respond_answer(body, receipt, call.frame)


def cache_answer(call: Call, prepared: Prepared, receipt: Receipt, payload: JsonObject) -> None:
    """Cache a plain answer in the background, if the request uses the cache and the answer may be cached."""
    if prepared.planned.cache_ttl_s is not None:
        _cache(call, prepared, receipt, lambda model, at_s: plain_to_cache(payload, model=model, at_s=at_s))


def cache_stream(call: Call, prepared: Prepared, receipt: Receipt, stream: Stream) -> Stream:
    """Return the stream; if the request uses the cache, it is recorded and cached when it is complete."""
    if prepared.planned.cache_ttl_s is None:
        return stream

    def on_complete(raw: bytes) -> None:
        is_one_answer = all(attempt.outcome != "cut_off" for attempt in receipt.attempts)
        if receipt.serving and receipt.serving.outcome == "answered" and is_one_answer:
            _cache(call, prepared, receipt, lambda model, at_s: stream_to_cache(raw, model=model, at_s=at_s))

    return RecordedStream(inner=stream, on_complete=on_complete)


def _cache(
    call: Call, prepared: Prepared, receipt: Receipt, to_cache: Callable[[str, float], bytes | None]
) -> None:
    """Cache an answer in the background; ``to_cache`` also runs there, so that it delays no response."""
    ports, served, ttl_s = call.ports, receipt.serving, prepared.planned.cache_ttl_s
    at_s = ports.now_s()
    if served is None or ttl_s is None:
        return

    async def put() -> None:
        try:
            packed = to_cache(served.model, at_s)
        except ValueError:  # it holds a value that JSON cannot represent
            return
        if packed is not None:
            await ports.answer_cache.put(key_of(prepared, call.settings), packed, ttl_s=ttl_s)

    ports.run_in_background(put)


@dataclass(frozen=True, slots=True)
class _ReplayedStream:
    """A cached stream that is sent in one write; see ``http.body.Stream``."""

    events: bytes
    done: Callable[[str], None]
    hands_over: bool = False

    async def run(self, sink: Sink) -> None:
        outcome = "client_gone"
        try:
            await sink.write(self.events)
            outcome = "answered"
        except ClientGoneError:
            pass
        finally:
            self.done(outcome)
