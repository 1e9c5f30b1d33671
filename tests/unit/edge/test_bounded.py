"""How a body is read from JavaScript: in few pieces, and up to a limit that it may declare to exceed."""

import asyncio
import tracemalloc
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gateway.http.content_length import declared_length
from gateway.http.message import (
    BodyTooLargeError,
    ReplyTooLargeError,
    TransportError,
    Upstream,
    UpstreamRequest,
)
from tests.support.javascript import import_with

pytestmark = pytest.mark.anyio
KINDS = ("readAtLeast", "min", "pieces")
REQUEST = UpstreamRequest(
    upstream=Upstream(base_url="https://a.example", api_key=""), method="GET", path="/", headers=(), body=b""
)


class JsError(Exception):
    """Plays ``JsException``."""

    name = "TypeError"


class View:
    """Plays a ``Uint8Array`` over memory of its own, or over memory that another one has had.

    Attributes:
        taken_bytes: how much memory there was in all.
    """

    taken_bytes = 0

    def __init__(self, memory: "int | SimpleNamespace") -> None:
        if isinstance(memory, int):
            View.taken_bytes += memory
            memory = SimpleNamespace(byteLength=memory)
        self.buffer = memory
        self.byteLength = memory.byteLength


class Value(bytes):
    """Plays a view that is full; an object of JavaScript's is true, whatever it holds."""

    buffer = SimpleNamespace(byteLength=0)

    def __bool__(self) -> bool:
        return True

    @property
    def byteLength(self) -> int:  # noqa: N802  # JavaScript's name
        return len(self)

    def to_bytes(self) -> bytes:
        return bytes(self)


class Body:
    """Plays a ``ReadableStream`` of small pieces, with the readers that some runtime has.

    Attributes:
        reads: how many reads there were.
        taken: how many bytes were taken from it.
    """

    def __init__(
        self, content: bytes, kind: str = "pieces", *, piece_bytes: int = 100, breaks: bool = False
    ) -> None:
        self.reads = 0
        self.taken = 0
        self.locked = False
        self._content = content
        self._kind = kind
        self._piece_bytes = piece_bytes
        self._breaks = breaks

    def getReader(self, options: dict[str, str] | None = None) -> Any:  # noqa: N802, ANN401  # JavaScript's
        assert not self.locked
        if options and self._kind == "pieces":
            raise JsError
        self.locked = True
        reader = SimpleNamespace(read=self._read if options else self._read_piece, releaseLock=self._release)
        if options and self._kind == "readAtLeast":
            reader.readAtLeast = self._read_at_least
        return reader

    def _release(self) -> None:
        self.locked = False

    async def _read_piece(self) -> SimpleNamespace:
        return self._next(self._piece_bytes)

    async def _read(self, view: View, options: dict[str, int] | None = None) -> SimpleNamespace:
        least_bytes = min(view.byteLength, 10 * self._piece_bytes)
        found = self._next(max(self._piece_bytes, options["min"]) if options else least_bytes, view)
        if options and len(found.value or b"") < options["min"]:
            found.done = True  # as Node tells it: with the last bytes
        return found

    async def _read_at_least(self, size: int, view: View) -> SimpleNamespace:
        assert size <= view.byteLength
        return self._next(size, view)

    def _next(self, size: int, view: View | None = None) -> SimpleNamespace:
        self.reads += 1
        if self._breaks and self.reads == 2:
            raise JsError
        piece = self._content[self.taken : self.taken + size]
        self.taken += len(piece)
        value = Value(piece)
        if view:
            value.buffer = view.buffer
        return SimpleNamespace(done=not piece, value=value if piece else None)


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    array = SimpleNamespace(new=View)
    return import_with(
        monkeypatch,
        "gateway.edge.bounded",
        js={"Object": SimpleNamespace(fromEntries=None), "Uint8Array": array},
        ffi={"JsException": JsError, "to_js": lambda value, **_: value},
    )


@pytest.mark.parametrize("declares", [False, True])
@pytest.mark.parametrize("size", [0, 1, 99, 65_536, 65_537, 500_000])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_is_read_to_its_end(bounded: ModuleType, kind: str, size: int, declares: bool) -> None:
    content = bytes(index % 251 for index in range(size))
    declared_bytes = size if declares else None

    assert await bounded.read_bounded(Body(content, kind), size, declared_bytes=declared_bytes) == content


@pytest.mark.parametrize("declared_bytes", [0, 999, 1_001, 5_000])
async def test_a_body_is_what_arrives_whatever_it_declares(bounded: ModuleType, declared_bytes: int) -> None:
    content = b"x" * 1_000

    assert await bounded.read_bounded(Body(content), 5_000, declared_bytes=declared_bytes) == content


@pytest.mark.parametrize("kind", ["readAtLeast", "min"])
async def test_a_body_that_declares_its_length_is_read_through_the_same_memory(
    bounded: ModuleType, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(View, "taken_bytes", 0)

    await bounded.read_bounded(Body(b"x" * 5_000_000, kind), 5_000_000, declared_bytes=5_000_000)

    assert View.taken_bytes < 400_000


@pytest.mark.parametrize("declares", [False, True])
async def test_python_holds_a_body_once(bounded: ModuleType, declares: bool) -> None:
    size = 5_000_000
    body = Body(b"x" * size, "readAtLeast")
    tracemalloc.start()
    try:
        await bounded.read_bounded(body, size, declared_bytes=size if declares else None)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # In this test the pieces that JavaScript holds are Python's.
    assert peak_bytes < 1.2 * size + (0 if declares else size)


async def test_no_body_is_an_empty_one(bounded: ModuleType) -> None:
    assert await bounded.read_bounded(None, 10) == b""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_that_is_too_large_is_read_no_further(bounded: ModuleType, kind: str) -> None:
    body = Body(b"x" * 10_000_000, kind)

    with pytest.raises(BodyTooLargeError):
        await bounded.read_bounded(body, 100_000)

    assert body.taken < 400_000


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_that_is_too_large_may_be_drained(bounded: ModuleType, kind: str) -> None:
    body = Body(b"x" * 1_000_000, kind)

    with pytest.raises(BodyTooLargeError):
        await bounded.read_bounded(body, 10, drain=True)

    assert body.taken == 1_000_000


@pytest.mark.parametrize("kind", ["readAtLeast", "min"])
async def test_a_body_in_very_many_pieces_is_read_in_few(bounded: ModuleType, kind: str) -> None:
    body = Body(b"x" * 1_000_000, kind, piece_bytes=1)

    await bounded.read_bounded(body, 1_000_000)

    assert body.reads < 10


@pytest.mark.parametrize(
    ("header", "length"),
    [
        ("0", 0),
        ("12", 12),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("\u00b2", None),
        ("9" * 5_000, None),
    ],
)
def test_a_length_is_a_number_of_a_few_digits(header: str | None, length: int | None) -> None:
    assert declared_length(header) == length


class Response:
    """Plays a response."""

    def __init__(self, body: Body, headers: dict[str, str]) -> None:
        self.status = 200
        self.body = body
        self.headers = headers
        self.at_once = False

    async def arrayBuffer(self) -> Value:  # noqa: N802  # JavaScript's name
        self.at_once = True
        return Value(self.body._content)  # it plays the same stream


@pytest.fixture
def reply_of(monkeypatch: pytest.MonkeyPatch, bounded: ModuleType) -> Callable[..., Any]:
    """Call it with a body and headers to get the reply of a call."""
    monkeypatch.setitem(__import__("sys").modules, "gateway.edge.bounded", bounded)
    held: list[Response] = []

    async def fetch(*_: object, **__: object) -> Response:
        return held[-1]

    controller = SimpleNamespace(new=lambda: SimpleNamespace(signal=None, abort=lambda: None))
    module = import_with(
        monkeypatch,
        "gateway.edge.fetch",
        js={
            "AbortController": controller,
            "Headers": SimpleNamespace(new=lambda _: None),
            "Uint8Array": SimpleNamespace(new=View),
            "fetch": fetch,
        },
        ffi={"JsException": JsError, "to_js": lambda value, **_: value},
    )

    async def reply(body: Body, **headers: str) -> tuple[Any, Response]:
        held.append(Response(body, {name.replace("_", "-"): value for name, value in headers.items()}))
        return await module.FetchTransport().send(REQUEST), held[-1]

    return reply


async def test_a_reply_that_declares_its_length_is_read_at_once(reply_of: Callable[..., Any]) -> None:
    reply, response = await reply_of(Body(b"{}"), content_length="2")

    assert await reply.read_all(2) == b"{}"
    assert response.at_once


async def test_a_reply_that_declares_too_much_is_not_read(reply_of: Callable[..., Any]) -> None:
    reply, response = await reply_of(Body(b"x" * 100), content_length="100")

    with pytest.raises(ReplyTooLargeError):
        await reply.read_all(99)

    assert (response.at_once, response.body.taken) == (False, 0)


@pytest.mark.parametrize(
    "headers", [{}, {"content_length": "10", "content_encoding": "gzip"}, {"content_length": "2000000"}]
)
async def test_any_other_reply_is_read_in_pieces(
    reply_of: Callable[..., Any], headers: dict[str, str]
) -> None:
    reply, response = await reply_of(Body(b"x" * 2_000_000, "readAtLeast"), **headers)

    assert await reply.read_all(2_000_000) == b"x" * 2_000_000
    assert not response.at_once


async def test_a_reply_of_unknown_length_is_read_up_to_the_limit(reply_of: Callable[..., Any]) -> None:
    reply, response = await reply_of(Body(b"x" * 5_000_000, "readAtLeast"))

    with pytest.raises(ReplyTooLargeError):
        await reply.read_all(100)

    assert response.body.taken < 100_000


async def test_a_reply_that_breaks_is_a_transport_error(reply_of: Callable[..., Any]) -> None:
    reply, _ = await reply_of(Body(b"x" * 5_000_000, breaks=True))

    with pytest.raises(TransportError):
        await reply.read_all(10_000_000)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_is_read_as_it_comes_and_after_a_while_in_larger_pieces(
    reply_of: Callable[..., Any], kind: str
) -> None:
    content = bytes(index % 251 for index in range(100_000))
    reply, response = await reply_of(Body(content, kind))
    pieces = []

    while piece := await reply.read():
        pieces.append(piece)
        await asyncio.sleep(0)

    assert b"".join(pieces) == content
    assert {len(piece) for piece in pieces[:8]} == {100}
    assert (response.body.reads < 200) is (kind != "pieces")
    assert reply.release() is response.body
    assert not response.body.locked
