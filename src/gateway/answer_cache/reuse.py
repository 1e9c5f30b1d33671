"""Answers a request from the answer cache, if the request allows it, and caches new answers."""

from collections.abc import Callable

from gateway.answer_cache.cacheable import key_of, plain_to_cache, stream_to_cache
from gateway.answer_cache.cached_answer import fresh_in, replay_plain, replay_stream
from gateway.answer_cache.record_stream import RecordedStream
from gateway.dialects.dialect import streaming_of
from gateway.dialects.plain_answer import Completion
from gateway.fallback.receipt import Receipt
from gateway.fallback.respond import respond_answer, respond_stream
from gateway.http.body import HttpResponse, Sink, Stream
from gateway.http.frozen import dataclass
from gateway.http.message import ClientGoneError
from gateway.pipeline.call import Call
from gateway.pipeline.prepared import Prepared


class AnswerReuse:
    """The answer cache for one request. It computes the key at most once."""

    def __init__(self, call: Call, prepared: Prepared, receipt: Receipt) -> None:
        self._call = call
        self._prepared = prepared
        self._receipt = receipt
        self._key = ""

    @property
    def asked(self) -> Prepared:
        """What is still to be asked once the cache has been searched: the complete request."""
        return self._prepared

    def completed(self, answer: Completion) -> Completion:
        """Return the answer that the caller gets: the model's own."""
        return answer

    async def cached(self, done: Callable[[str], None]) -> HttpResponse | None:
        """Return the response with the cached answer; None on a miss, or if the cache is not used.

        Args:
            done: called with the outcome when the replayed answer has been sent.
        """
        prepared, receipt, ports = self._prepared, self._receipt, self._call.ports
        ttl_s = prepared.planned.cache_ttl_s
        if ttl_s is None or not prepared.planned.chain:
            return None
        receipt.cache = "miss"
        self._key = key_of(prepared, self._call.settings)
        raw = await ports.answer_cache.get(self._key)
        now_s = ports.now_s()
        answer = fresh_in(raw, now_s=now_s, ttl_s=ttl_s)
        if answer is None:
            return None
        receipt.reuse(answer.model, age_s=now_s - answer.at_s)
        receipt.time_until(now_s)
        if prepared.request.stream:
            dialect = streaming_of(prepared.dialect)
            events = replay_stream(answer, receipt.to_json(), dialect.event_of, member=dialect.answer_member)
            stream = _ReplayedStream(events, done)
            return respond_stream(stream, receipt, self._call.frame)
        body = replay_plain(answer, receipt.to_json())
        done("answered")
        return respond_answer(body, receipt, self._call.frame)

    def cache_answer(self, answer: Completion) -> None:
        """Cache a plain answer in the background, if that is wanted and the answer may be cached."""
        if self._key:
            dialect = self._prepared.dialect
            self._cache(lambda model, at_s: plain_to_cache(answer, dialect, model=model, at_s=at_s))

    def cache_stream(self, stream: Stream) -> Stream:
        """Return the stream; if the request uses the cache, it is recorded and cached when it is complete."""
        if not self._key:
            return stream
        receipt = self._receipt

        def on_complete(raw: bytes) -> None:
            held = self._prepared.planned.on_midstream == "hold"
            is_one_answer = held or all(attempt.outcome != "cut_off" for attempt in receipt.attempts)
            if receipt.serving and receipt.serving.outcome == "answered" and is_one_answer:
                dialect = streaming_of(self._prepared.dialect)
                self._cache(lambda model, at_s: stream_to_cache(raw, dialect, model=model, at_s=at_s))

        return RecordedStream(inner=stream, on_complete=on_complete)

    def _cache(self, to_cache: Callable[[str, float], bytes | None]) -> None:
        """Cache an answer in the background.

        ``to_cache`` also runs there, so that it delays no response.
        """
        ports, served, ttl_s = self._call.ports, self._receipt.serving, self._prepared.planned.cache_ttl_s
        at_s = ports.now_s()
        if served is None or ttl_s is None:
            return

        async def put() -> None:
            try:
                packed = to_cache(served.model, at_s)
            except ValueError:  # it holds what JSON cannot carry
                return
            if packed is not None:
                await ports.answer_cache.put(self._key, packed, ttl_s=ttl_s)

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
