"""The one module of the border that can run without JavaScript: proxies and a signal are played here."""

import asyncio
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.anyio


class Proxy:
    """Plays what ``create_proxy`` makes: a Python function that JavaScript may keep until it is destroyed."""

    def __init__(self, target: Callable[[], None]) -> None:
        self.target = target
        self.destroyed = False

    def destroy(self) -> None:
        self.destroyed = True


class Request:
    """Plays a request and its signal, by which the test lets the client leave."""

    def __init__(self) -> None:
        self.signal = self
        self.listeners: list[Proxy] = []

    def addEventListener(self, _: str, listener: Proxy) -> None:  # noqa: N802  # JavaScript's name
        self.listeners.append(listener)

    def removeEventListener(self, _: str, listener: Proxy) -> None:  # noqa: N802  # JavaScript's name
        self.listeners.remove(listener)

    def leave(self) -> None:
        for listener in self.listeners:
            listener.target()


class Context:
    """Plays the execution context."""

    def __init__(self) -> None:
        self.kept: list[Proxy] = []

    def waitUntil(self, proxy: Proxy) -> None:  # noqa: N802  # JavaScript's name
        self.kept.append(proxy)


@pytest.fixture
def make_lifeline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    pyodide, ffi = ModuleType("pyodide"), ModuleType("pyodide.ffi")
    ffi.create_proxy = Proxy  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyodide", pyodide)
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)
    monkeypatch.delitem(sys.modules, "gateway.edge.lifeline", raising=False)
    from gateway.edge.lifeline import Lifeline  # noqa: PLC0415  # with the modules played above

    monkeypatch.delitem(sys.modules, "gateway.edge.lifeline")
    return Lifeline


async def work(done: list[str], name: str) -> str:
    await asyncio.sleep(1)
    done.append(name)
    return name


async def test_a_client_that_leaves_ends_what_was_for_it_and_not_what_runs_beside(
    make_lifeline: Callable[..., Any],
) -> None:
    request, done = Request(), list[str]()
    lifeline = make_lifeline(request, Context(), pytest.fail)
    for_client = lifeline.start(work(done, "answer"))
    beside = lifeline.start(work(done, "background"), for_client=False)
    await asyncio.sleep(0.5)

    request.leave()

    assert lifeline.client_gone
    assert await for_client is None
    assert await beside == "background"
    assert done == ["background"]


@pytest.mark.parametrize("left_before", [False, True])
async def test_what_has_just_been_started_for_a_client_that_leaves_tells_how_it_ended(
    make_lifeline: Callable[..., Any], left_before: bool
) -> None:
    request, told = Request(), list[str]()
    lifeline = make_lifeline(request, Context(), pytest.fail)
    other = lifeline.start(work([], "beside"), for_client=False)

    async def relay() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            told.append("its end")

    if left_before:
        request.leave()
    task = lifeline.start(relay())
    if not left_before:
        request.leave()

    assert await task is None
    assert told == ["its end"]
    assert await other == "beside"


async def test_when_the_last_task_has_ended_everything_is_let_go(make_lifeline: Callable[..., Any]) -> None:
    request, context = Request(), Context()
    lifeline = make_lifeline(request, context, pytest.fail)
    (listener,) = request.listeners
    tasks = [lifeline.start(work([], "a")), lifeline.start(work([], "b"), for_client=False)]

    await asyncio.gather(*tasks)
    await asyncio.sleep(0)

    assert request.listeners == []
    assert all(proxy.destroyed for proxy in (listener, *context.kept))
    assert [proxy.target for proxy in context.kept] == tasks


async def test_a_bug_in_a_task_is_told_and_ends_nothing_else(make_lifeline: Callable[..., Any]) -> None:
    bugs: list[Exception] = []
    lifeline = make_lifeline(Request(), Context(), bugs.append)

    async def buggy() -> None:
        raise ValueError("bug")

    tasks = [lifeline.start(buggy()), lifeline.start(work([], "a"), for_client=False)]

    assert await asyncio.gather(*tasks) == [None, "a"]
    assert [str(bug) for bug in bugs] == ["bug"]


@pytest.mark.parametrize("leaves_first", [False, True])
async def test_a_task_has_begun_before_it_is_cancelled_so_that_it_can_clean_up(
    make_lifeline: Callable[..., Any], leaves_first: bool
) -> None:
    request, cleaned_up = Request(), list[str]()
    lifeline = make_lifeline(request, Context(), pytest.fail)
    lifeline.start(asyncio.sleep(0.1), for_client=False)

    async def body() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            cleaned_up.append("yes")

    if leaves_first:
        request.leave()
    task = lifeline.start(body())
    if not leaves_first:
        request.leave()

    assert await task is None
    assert cleaned_up == ["yes"]
