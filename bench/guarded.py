"""Guards of committed streams, to time what one event costs in each dialect. No engine is around them."""

from collections.abc import Callable, Iterable
from itertools import cycle

from bench import bodies
from bench.agent import chat_body, messages_body
from bench.messages import bodies as messages
from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.dialect import StreamingDialect
from gateway.fallback.attempt import Attempt
from gateway.fallback.attempt_once import ServedStream
from gateway.fallback.receipt import Receipt
from gateway.http.json_bytes import MAX_VALUES
from gateway.http.message import Upstream
from gateway.http.sse import SseDecoder
from gateway.streaming.guard import Guard
from gateway.upstream.commit import CommittedStream

MODEL = "bench/stream"
UPSTREAM = Upstream(base_url="https://openrouter.ai/api/v1", api_key="sk-or-simulated")
BODY_BYTES = 100_000


class _NoReply:
    """The reply of a stream whose events have all been read."""

    status = 200

    def header(self, _name: str) -> str | None:
        return None

    async def read(self) -> bytes:
        return b""

    async def read_all(self, _limit_bytes: int) -> bytes:
        return b""

    def abort(self) -> None:
        pass


def repeated(dialect: StreamingDialect) -> Callable[[], bytes]:
    """Return a call that passes an event which repeats another one around another text."""
    before, texts = _events(dialect)
    return _passing(dialect, before, texts)


def unlike(dialect: StreamingDialect) -> Callable[[], bytes]:
    """Return a call that passes an event which must be parsed, and needs no change.

    There are as many such events as texts. A guard stores fewer, so it parses each in its turn.
    """
    before, texts = _events(dialect)
    numbered = [text.replace(b"}\n\n", b',"n":%d}\n\n' % n) for n, text in enumerate(texts)]
    return _passing(dialect, before, numbered)


def _passing(dialect: StreamingDialect, before: list[bytes], texts: Iterable[bytes]) -> Callable[[], bytes]:
    guard, events = _guard(dialect), cycle([[text] for text in texts])
    guard.pass_on(before)
    return lambda: guard.pass_on(next(events))


def _events(dialect: StreamingDialect) -> tuple[list[bytes], list[bytes]]:
    """Return the events of a stream: those before the text, and those with text."""
    if dialect.name == "chat":
        return [], bodies.events()[: bodies.EVENTS]
    begin, ping, *more = messages.events()
    return [messages.start_of_stream()(1), begin, ping], more[: bodies.EVENTS]


def _guard(dialect: StreamingDialect) -> Guard:
    body = (chat_body if dialect.name == "chat" else messages_body)(BODY_BYTES, MODEL)
    context = StreamContext(
        request=dialect.parse(body, max_values=MAX_VALUES),
        first={},
        names={"id": "gen-1", "created": 1_760_000_000, "model": MODEL},
        header=lambda _name: None,
        now_s=lambda: 0.0,
        settle=lambda _usage: False,
        collect_text=False,
        model=MODEL,
    )
    answer = CommittedStream(reply=_NoReply(), first={}, events=(), decoder=SseDecoder(BODY_BYTES))
    served = ServedStream(attempt=Attempt(model=MODEL, number=1), answer=answer, upstream=UPSTREAM)
    receipt = Receipt(request_id="req-1", requested=(MODEL,), started_at_s=0.0)
    return Guard(served, receipt, stream=dialect.stream(context), now_s=lambda: 0.0)
