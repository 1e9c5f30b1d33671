"""Tests ``edge.lifeline`` in CPython, with fakes of JavaScript's promises, proxies and signals."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.javascript import Proxy, import_with

pytestmark = pytest.mark.anyio


class Resolvers:
    """A fake of what ``Promise.withResolvers()`` returns."""

    def __init__(self) -> None:
        self.promise: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.resolve = self.promise.set_result


class Signal:
    """A fake of a request's signal; ``fire`` lets the client disconnect."""

    def __init__(self) -> None:
        self.listeners: list[Proxy] = []

    def addEventListener(self, _: str, listener: Proxy) -> None:  # noqa: N802  # JavaScript's name
        self.listeners.append(listener)

    def removeEventListener(self, _: str, listener: Proxy) -> None:  # noqa: N802  # JavaScript's name
        self.listeners.remove(listener)

    def fire(self) -> None:
        for listener in self.listeners:
            listener.target()


class Context:
    """A fake of the execution context; it lists the promises that it has to wait for."""

    def __init__(self) -> None:
        self.promises: list[object] = []

    def waitUntil(self, promise: object) -> None:  # noqa: N802  # JavaScript's name
        self.promises.append(promise)


@pytest.fixture
def make_lifeline(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    js = {"Promise": SimpleNamespace(withResolvers=Resolvers)}
    module = import_with(monkeypatch, "gateway.edge.lifeline", js=js, ffi={"create_proxy": Proxy})
    made: Callable[..., Any] = module.Lifeline
    return made


async def work(done: list[str], name: str) -> str:
    await asyncio.sleep(1)
    done.append(name)
    return name


async def test_a_client_that_leaves_ends_its_tasks_but_no_background_work(
    make_lifeline: Callable[..., Any],
) -> None:
    signal, done = Signal(), list[str]()
    lifeline = make_lifeline(Context(), pytest.fail, lambda: None, signal)
    for_client = lifeline.start(work(done, "answer"))
    background = lifeline.start(work(done, "background"), for_client=False)
    await asyncio.sleep(0.5)

    signal.fire()

    assert lifeline.client_gone
    assert await for_client is None
    assert await background == "background"
    assert done == ["background"]


@pytest.mark.parametrize("left_before", [False, True])
async def test_a_task_that_has_just_started_runs_its_clean_up_when_the_client_leaves(
    make_lifeline: Callable[..., Any], left_before: bool
) -> None:
    signal, cleaned_up = Signal(), list[str]()
    lifeline = make_lifeline(Context(), pytest.fail, lambda: None, signal)
    other = lifeline.start(work([], "background"), for_client=False)

    async def relay() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            cleaned_up.append("yes")

    if left_before:
        signal.fire()
    task = lifeline.start(relay())
    if not left_before:
        signal.fire()

    assert await task is None
    assert cleaned_up == ["yes"]
    assert await other == "background"


async def test_the_last_task_that_ends_removes_the_listener_and_calls_on_end(
    make_lifeline: Callable[..., Any],
) -> None:
    signal, context, ended = Signal(), Context(), list[Signal]()
    lifeline = make_lifeline(context, pytest.fail, lambda: ended.append(signal), signal)
    (listener,) = signal.listeners
    promises = [lifeline.start(work([], "a")), lifeline.start(work([], "b"), for_client=False)]

    await asyncio.gather(*promises)
    await asyncio.sleep(0)

    assert signal.listeners == []
    assert listener.destroyed
    assert ended == [signal]
    assert context.promises == promises


async def test_a_bug_in_a_task_is_reported_and_ends_no_other_task(make_lifeline: Callable[..., Any]) -> None:
    bugs: list[Exception] = []
    lifeline = make_lifeline(Context(), bugs.append, lambda: None, Signal())

    async def buggy() -> None:
        raise ValueError("bug")

    tasks = [lifeline.start(buggy()), lifeline.start(work([], "a"), for_client=False)]

    assert await asyncio.gather(*tasks) == [None, "a"]
    assert [str(bug) for bug in bugs] == ["bug"]


@pytest.mark.parametrize("leaves_first", [False, True])
async def test_a_task_has_begun_before_it_is_cancelled_so_that_it_can_clean_up(
    make_lifeline: Callable[..., Any], leaves_first: bool
) -> None:
    signal, cleaned_up = Signal(), list[str]()
    lifeline = make_lifeline(Context(), pytest.fail, lambda: None, signal)
    lifeline.start(asyncio.sleep(0.1), for_client=False)

    async def body() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            cleaned_up.append("yes")

    if leaves_first:
        signal.fire()
    task = lifeline.start(body())
    if not leaves_first:
        signal.fire()

    assert await task is None
    assert cleaned_up == ["yes"]


async def test_a_promise_is_always_resolved(
    make_lifeline: Callable[..., Any],
) -> None:
    bugs: list[Exception] = []
    signal = Signal()
    lifeline = make_lifeline(Context(), bugs.append, lambda: None, signal)

    async def buggy() -> None:
        raise ValueError("bug")

    failed = lifeline.start(buggy(), otherwise=lambda: "an error")
    cancelled = lifeline.start(work([], "a"), otherwise=lambda: "nothing")
    signal.fire()

    assert [await failed, await cancelled] == ["an error", "nothing"]
    assert [str(bug) for bug in bugs] == ["bug"]


async def test_without_a_signal_nothing_is_cancelled(make_lifeline: Callable[..., Any]) -> None:
    lifeline = make_lifeline(Context(), pytest.fail, lambda: None)

    assert await lifeline.start(work([], "a")) == "a"
    assert not lifeline.client_gone
