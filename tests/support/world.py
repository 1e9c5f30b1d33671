"""A test environment for the gateway's core: settings, a clock that jumps, an upstream, and a client."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import looptime

from gateway.app import handle
from gateway.http.body import CutOffError, HttpResponse, Step
from gateway.http.json_values import Json
from gateway.http.message import BodyTooLargeError, HttpRequest, Reply
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.settings.settings import Settings
from tests.support.chunks import payloads_in
from tests.support.coordinators import Coordinators
from tests.support.httpx_transport import HttpxTransport
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import Act, Upstream

EPOCH_S = 1_795_338_000.0  # when the samples were recorded
NOTHING_TAKES_LONGER_S = 100_000.0
UPSTREAM_KEY = "sk-or-v1-canary-of-the-upstream-key"
TOKEN = "canary-of-the-callers-token"
PROMPT = "canary of the prompt"
ENV = {"OPENROUTER_API_KEY": UPSTREAM_KEY, "GATEWAY_KEYS": f"tests:{TOKEN}", "DEFAULT_MODEL": "a/one"}

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the client received; ``pieces`` are a stream's writes, each with its time in seconds.

    ``is_cut``: the client sees that the connection was closed before the end of the response.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    pieces: tuple[tuple[float, bytes], ...] = ()
    is_cut: bool = False

    @property
    def json(self) -> dict[str, Any]:
        """The parsed body."""
        payload = json.loads(self.body)
        assert isinstance(payload, dict)
        return payload

    @property
    def error(self) -> dict[str, Any]:
        """The error in the body."""
        error = self.json["error"]
        assert isinstance(error, dict)
        return error

    @property
    def events(self) -> list[Any]:
        """The payloads of a stream."""
        return payloads_in(self.body)

    @property
    def receipt(self) -> dict[str, Any]:
        """The receipt of an answer or of an error; of a stream, its last receipt; of audio, its header's."""
        content_type = self.headers["content-type"]
        if content_type.startswith("audio/"):
            holder = {"gateway": json.loads(self.headers["x-gateway-receipt"])}
        elif content_type.startswith("application/json"):
            holder = _holder_in(self.json)
        else:
            holders = [each for each in self.events if each != "[DONE]"]
            holders = [_holder_in(each) for each in holders]
            holder = next(each for each in reversed(holders) if "gateway" in each)
        receipt = holder["gateway"]
        assert isinstance(receipt, dict)
        return receipt

    @property
    def codes(self) -> list[str | None]:
        """The error code of each attempt in the receipt; None for an attempt that answered."""
        return [attempt["code"] for attempt in self.receipt["attempts"]]


def _holder_in(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what has the receipt of an event: its error, its response, or the event itself."""
    if payload.get("error"):
        return payload["error"].get("metadata", payload)  # type: ignore[no-any-return]
    return payload.get("response", payload)  # type: ignore[no-any-return]


class MemoryCache:
    """A fake KV namespace in memory; each call takes ``pause_s`` seconds."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.gets = 0
        self.puts = 0
        self.pause_s = 0.0

    async def get(self, key: str) -> bytes | None:
        self.gets += 1
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        return self.values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        self.puts += 1
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        self.values[key] = value


@dataclass(slots=True)
class Limiter:
    """A fake rate limiting binding: after a pause it refuses the keys in ``refused``.

    Attributes:
        asked: the keys that it was called with, in order.
    """

    bound: bool = True
    refused: set[str] = field(default_factory=set)
    pause_s: float = 0.0
    asked: list[str] = field(default_factory=list)

    async def allows(self, key: str) -> bool:
        self.asked.append(key)
        await asyncio.sleep(self.pause_s)
        return key not in self.refused


@dataclass(slots=True)
class Answers:
    """A fake answer cache; with ``broken`` it returns no answer."""

    values: dict[str, bytes] = field(default_factory=dict)
    ttls_s: list[int] = field(default_factory=list)
    broken: bool = False

    async def get(self, key: str) -> bytes | None:
        return None if self.broken else self.values.get(key)

    async def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        self.values[key] = value
        self.ttls_s.append(ttl_s)


@dataclass(slots=True)
class World:
    """Everything that ``gateway.app.handle`` needs; ``env`` is added to default settings that work.

    Attributes:
        body_s: how long a request's body takes to arrive, in seconds.
        shows_cuts: see ``gateway.memory.ports.Ports``.
    """

    env: Mapping[str, str] = field(default_factory=dict)
    upstream: Upstream = field(default_factory=Upstream)
    log: list[dict[str, Json]] = field(default_factory=list)
    background: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    draw: float = 1.0
    ids: int = 0
    body_s: float = 0.0
    shows_cuts: bool = True
    rate_limiter: Limiter = field(default_factory=lambda: Limiter(bound=False))
    memory: Memory = field(default_factory=Memory)
    cache: MemoryCache = field(default_factory=MemoryCache)
    answer_cache: Answers = field(default_factory=Answers)
    database: SqliteDatabase = field(default_factory=lambda: SqliteDatabase(bound=False))
    coordinator: Coordinators = field(default_factory=lambda: Coordinators(bound=False))
    transport: HttpxTransport = field(init=False)

    def __post_init__(self) -> None:
        self.transport = HttpxTransport(self.upstream.transport())
        self.coordinator.now_s = lambda: EPOCH_S + now_s()

    def script(self, model: str, *acts: Act) -> Self:
        """Set the acts of a model."""
        self.upstream.scripts[model] = acts
        return self

    @property
    def ports(self) -> Ports:
        """The ports; their clock is the event loop's."""
        return Ports(
            transport=self.transport,
            now_s=lambda: EPOCH_S + now_s(),
            draw=lambda: self.draw,
            new_id=self._new_id,
            log=self._log,
            run_in_background=self.background.append,
            call_later=asyncio.get_running_loop().call_later,
            within=asyncio.timeout,
            log_bug=self._log_bug,
            rate_limiter=self.rate_limiter,
            cache=self.cache,
            answer_cache=self.answer_cache,
            database=self.database,
            coordinator=self.coordinator,
            shows_cuts=self.shows_cuts,
        )

    def _log_bug(self, error: Exception, *, request_id: str | None = None) -> None:
        named: dict[str, Json] = {"request_id": request_id} if request_id else {}
        self._log("internal_error", error=type(error).__name__, **named)

    def _new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:016x}"

    async def let_run(self) -> int:
        """Run all background work to its end; return how many tasks there were."""
        count = 0
        while self.background:
            await self.background.pop(0)()
            count += 1
        return count

    def _log(self, event: str, **fields: Json) -> None:
        self.log.append({"event": event, **fields})

    @property
    def log_text(self) -> str:
        """All log lines, as JSON text."""
        return "\n".join(json.dumps(line) for line in self.log)

    def events(self, name: str) -> list[dict[str, Json]]:
        """Return the log lines of one event."""
        return [line for line in self.log if line["event"] == name]

    async def begin(
        self,
        body: object = None,
        *,
        method: str = "POST",
        path: str = "/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
        host: str = "gateway.example",
    ) -> HttpResponse:
        """Return the response of ``handle``; the body of a stream has not run yet."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {TOKEN}"} if headers is None else headers

        async def read_body(limit_bytes: int) -> bytes:
            if len(raw) > limit_bytes:
                raise BodyTooLargeError
            if self.body_s:
                await asyncio.sleep(self.body_s)
            return raw

        bare, _, query = path.partition("?")
        request = HttpRequest(
            method=method,
            host=host,
            path=bare,
            query=query,
            header=given.get,
            named=lambda begin: tuple(pair for pair in given.items() if pair[0].startswith(begin)),
            read_body=read_body,
        )
        async with asyncio.timeout(NOTHING_TAKES_LONGER_S):
            return await handle(
                request, lambda: Settings.from_env({**ENV, **self.env}.get), self.ports, self.memory
            )

    async def ask(self, *models: str, stream: bool = False, **fields: object) -> Answer:
        """Return the complete answer to a chat request."""
        return await finish(await self.begin(chat(*models, stream=stream, **fields)))

    async def get(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to a request without a body."""
        return await finish(await self.begin(b"", method=method, path=path, headers=headers))


def chat(*models: str, stream: bool = False, **fields: object) -> dict[str, object]:
    """Return the body of a chat request."""
    body: dict[str, object] = {"messages": [{"role": "user", "content": PROMPT}], **fields}
    return body | ({"models": list(models)} if models else {}) | ({"stream": True} if stream else {})


def one_key(**fields: object) -> str:
    """Return ``GATEWAY_KEYS`` with one key, named ``one``, whose token is ``TOKEN``."""
    return json.dumps([{"name": "one", "token": TOKEN, **fields}])


class Client:
    """The client's end of a stream (``gateway.http.body.Sink``); ``on_write`` can be slow or leave."""

    def __init__(self, on_write: Callable[[bytes], Awaitable[None]] | None = None) -> None:
        self.blocked = False
        self.pieces: list[tuple[float, bytes]] = []
        self._on_write = on_write

    async def write(self, data: bytes) -> None:
        """Receive bytes; ``on_write`` may delay it or raise."""
        if data:
            self.pieces.append((now_s(), data))
        if self._on_write is not None:
            self.blocked = True
            await self._on_write(data)
            self.blocked = False

    async def relay(self, reply: Reply, step: Step) -> None:
        """Receive what ``step`` makes of each piece; after it hands over, receive the pieces unchanged."""
        while not step.hands_over:
            piece = await reply.read()
            if not piece:
                return
            await self.write(step.take(piece))
        await self.write(step.rest)
        while piece := await reply.read():
            await self.write(piece)


async def finish(
    response: HttpResponse, *, on_write: Callable[[bytes], Awaitable[None]] | None = None
) -> Answer:
    """Return the answer that a client gets when it reads to the end."""
    client, is_cut = Client(on_write), False
    body = response.body
    if not isinstance(body, bytes):
        async with asyncio.timeout(NOTHING_TAKES_LONGER_S):
            try:
                await body.run(client)
            except CutOffError:
                is_cut = True
        body = b"".join(piece for _, piece in client.pieces)
    return Answer(
        status=response.status,
        headers=dict(response.headers),
        body=body,
        pieces=tuple(client.pieces),
        is_cut=is_cut,
    )


def now_s() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop whose clock begins at 0 and jumps to the next due timer."""
    return looptime.new_event_loop(start=0)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` on a new event loop: the examples of a property test must not share a clock."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)
