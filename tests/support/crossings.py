"""Counts the calls across the border to JavaScript: a fake JavaScript side notes each use by name.

The runtime's own cost of each await is not counted: two callbacks of a promise, and one or two turns of the
event loop.
"""

import asyncio
import importlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from types import ModuleType
from typing import Any

import pytest

from tests.support.world import ENV, TOKEN

MODULES = ("js", "pyodide", "pyodide.ffi")


class Js:
    """A fake JavaScript object: each read of an attribute and each call counts as a crossing."""

    def __init__(self, noted: Counter[str], name: str, **members: object) -> None:
        self.__dict__.update(_noted=noted, _name=name, _members=members)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # JavaScript's
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self._members:
            self._noted[f"{self._name}.{name}"] += 1
            raise AttributeError(name)
        member = self._members[name]
        if not callable(member) or isinstance(member, Js):
            self._noted[f"{self._name}.{name}"] += 1
        return member

    def __setattr__(self, name: str, value: object) -> None:
        self._noted[f"{self._name}.{name} ="] += 1
        self._members[name] = value


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop like Pyodide's: each of its timers is a JavaScript timer, and counts as a crossing."""

    def __init__(self, noted: Counter[str]) -> None:
        super().__init__()
        self.noted = noted

    def call_at(
        self, when: float, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.noted["a timer of the event loop's"] += 1
        return super().call_at(when, callback, *args, context=context)


class Border:
    """The fake JavaScript side of one request, and the crossings that were counted."""

    def __init__(self, answer: bytes) -> None:
        self.noted: Counter[str] = Counter()
        self._answer = answer

    def modules(self) -> Mapping[str, ModuleType]:
        """Return fakes of the modules that the edge imports."""
        js, pyodide, ffi = (ModuleType(name) for name in MODULES)
        for name in ("Response", "Headers", "AbortController"):
            setattr(js, name, self._js(name, new=self._makes(f"new {name}", name)))
        js.Promise = self._js("Promise", withResolvers=self._resolvers)  # type: ignore[attr-defined]
        js.fetch = self._fetch  # type: ignore[attr-defined]
        js.setTimeout = self._does("setTimeout", lambda *_: 1)  # type: ignore[attr-defined]
        js.clearTimeout = self._does("clearTimeout")  # type: ignore[attr-defined]
        levels = {level: self._does("console.log") for level in ("log", "info", "warn", "error")}
        js.console = self._js("console", **levels)  # type: ignore[attr-defined]
        for name in (
            "WritableStream",
            "TransformStream",
            "IdentityTransformStream",
            "FixedLengthStream",
            "Error",
            "Object",
            "JSON",
            "Uint8Array",
        ):
            setattr(js, name, self._js(name))
        ffi.to_js = self._does("to_js", lambda value, **_: value)  # type: ignore[attr-defined]
        made = self._js("proxy", destroy=self._does("proxy.destroy"))
        ffi.create_proxy = self._does("create_proxy", lambda _: made)  # type: ignore[attr-defined]
        ffi.JsException = type("JsException", (Exception,), {})  # type: ignore[attr-defined]
        return dict(zip(MODULES, (js, pyodide, ffi), strict=True))

    def request(self, body: bytes) -> Js:
        """Return a chat request."""
        given = {"authorization": f"Bearer {TOKEN}", "content-length": str(len(body))}
        headers = self._js("headers", get=self._does("request.headers.get", given.get))
        return self._js(
            "request",
            url="https://gateway.example/v1/chat/completions",
            method="POST",
            headers=headers,
            arrayBuffer=self._awaited("request.arrayBuffer", body),
        )

    def env(self) -> Js:
        """Return ``env`` with settings only, without bindings."""
        return self._js("env", **ENV)

    def ctx(self) -> Js:
        """Return the execution context."""
        return self._js("ctx", waitUntil=self._does("ctx.waitUntil"))

    def _js(self, name: str, **members: object) -> Js:
        return Js(self.noted, name, **members)

    def _does(self, name: str, result: Callable[..., object] = lambda *_, **__: None) -> Callable[..., Any]:
        def called(*given: object, **named: object) -> object:
            self.noted[name] += 1
            return result(*given, **named)

        return called

    def _makes(self, name: str, kind: str) -> Callable[..., Any]:
        return self._does(name, lambda *_, **__: self._js(kind, signal=None, abort=lambda: None))

    def _awaited(self, name: str, value: bytes) -> Callable[[], asyncio.Future[Any]]:
        def called() -> asyncio.Future[Any]:
            self.noted[f"await {name}"] += 1
            return self._later(self._js("ArrayBuffer", to_bytes=self._does("to_bytes", lambda: value)))

        return called

    def _later(self, value: object) -> asyncio.Future[Any]:
        """Return a future that completes from outside the event loop, as a JavaScript promise does."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, value)
        return future

    def _fetch(self, *_: object, **__: object) -> asyncio.Future[Any]:
        self.noted["await fetch"] += 1
        given = {"content-length": str(len(self._answer))}
        headers = self._js("headers", get=self._does("response.headers.get", given.get))
        return self._later(
            self._js(
                "response",
                status=200,
                headers=headers,
                arrayBuffer=self._awaited("response.arrayBuffer", self._answer),
            )
        )

    def _resolvers(self) -> Js:
        self.noted["Promise.withResolvers"] += 1
        promise = asyncio.get_running_loop().create_future()
        resolve = self._does("resolve", promise.set_result)
        return self._js("promise", promise=promise, resolve=resolve)


def crossings_of(body: Mapping[str, object], answer: Mapping[str, object], *, warm: int = 2) -> Counter[str]:
    """Return the crossings of one chat request, after ``warm`` equal requests that are not counted."""
    border = Border(json.dumps(answer).encode())
    with pytest.MonkeyPatch.context() as patch:
        for name, module in border.modules().items():
            patch.setitem(sys.modules, name, module)
        for name in [name for name in sys.modules if name.startswith("gateway.edge.") or name == "entry"]:
            patch.delitem(sys.modules, name)
        entry = importlib.import_module("entry")
        loop = CountingLoop(border.noted)
        raw = json.dumps(body).encode()

        async def ask() -> None:
            await entry.on_fetch(border.request(raw), border.env(), border.ctx())

        try:
            for _ in range(warm):
                _run(loop, ask())
            border.noted.clear()
            _run(loop, ask())
        finally:
            loop.close()
            for name in [name for name in sys.modules if name.startswith("gateway.edge.") or name == "entry"]:
                del sys.modules[name]
    return border.noted


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
    loop.run_until_complete(work)
