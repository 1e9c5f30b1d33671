"""Tests ``edge.answer_cache`` with a fake cache: a slow, failing or missing cache is a miss, not an error."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.javascript import import_with

pytestmark = pytest.mark.anyio


class JsError(Exception):
    """A fake of ``JsException``."""

    name = "Error"


class Value(bytes):
    """A fake of an ArrayBuffer."""

    def to_bytes(self) -> bytes:
        return bytes(self)


class Response:
    """A fake response; reading its body takes ``pause_s`` seconds."""

    def __init__(self, body: bytes, headers: list[list[str]], pause_s: float = 0.0) -> None:
        self.body, self.headers, self.pause_s = body, headers, pause_s

    async def arrayBuffer(self) -> Value:  # noqa: N802  # JavaScript's name
        await asyncio.sleep(self.pause_s)
        return Value(self.body)


class Cache:
    """A fake of ``caches.default``. Each call takes ``pause_s`` seconds and then raises ``fault``, if set."""

    def __init__(self, pause_s: float = 0.0, fault: Exception | None = None) -> None:
        self.responses: dict[str, Response] = {}
        self.pause_s, self.fault = pause_s, fault

    async def match(self, url: str) -> Response | None:
        await self._act()
        return self.responses.get(url)

    async def put(self, url: str, response: Response) -> None:
        await self._act()
        self.responses[url] = response

    async def _act(self) -> None:
        await asyncio.sleep(self.pause_s)
        if self.fault:
            raise self.fault


@pytest.fixture
def logged() -> list[str]:
    """Return the logged events."""
    return []


@pytest.fixture
def make_answers(monkeypatch: pytest.MonkeyPatch, logged: list[str]) -> Callable[[Cache | None], Any]:
    """Return a function that makes a ``CachedAnswers`` for a cache; None: there is no cache."""

    def make(cache: Cache | None) -> Any:  # noqa: ANN401  # the module can be imported only with these fakes
        js = {
            "Headers": SimpleNamespace(new=lambda pairs: pairs),
            "Response": SimpleNamespace(new=Response),
            **({"caches": SimpleNamespace(default=cache)} if cache is not None else {}),
        }
        ffi = {"JsException": JsError, "to_js": lambda value: value}
        module = import_with(monkeypatch, "gateway.edge.answer_cache", js=js, ffi=ffi)
        return module.CachedAnswers(asyncio.timeout, lambda event, **_: logged.append(event))

    return make


async def test_a_stored_value_is_returned_and_has_its_time_to_live(
    make_answers: Callable[[Cache | None], Any],
) -> None:
    cache = Cache()
    answers = make_answers(cache)

    await answers.put("key", b"value", ttl_s=60)

    assert await answers.get("key") == b"value"
    assert await answers.get("other") is None
    ((url, response),) = cache.responses.items()
    assert url.endswith("/key")
    assert response.headers == [["cache-control", "public, max-age=60"]]


async def test_without_a_cache_everything_is_a_miss(make_answers: Callable[[Cache | None], Any]) -> None:
    answers = make_answers(None)

    await answers.put("key", b"value", ttl_s=60)

    assert await answers.get("key") is None


async def test_a_failing_cache_is_a_miss_and_is_logged(
    make_answers: Callable[[Cache | None], Any], logged: list[str]
) -> None:
    answers = make_answers(Cache(fault=JsError()))

    await answers.put("key", b"value", ttl_s=60)

    assert await answers.get("key") is None
    assert logged == ["answer_cache_failed", "answer_cache_failed"]


@pytest.mark.parametrize("slow", ["the lookup", "the body"])
async def test_a_slow_cache_delays_a_request_by_less_than_half_a_second(
    make_answers: Callable[[Cache | None], Any], slow: str
) -> None:
    cache = Cache(pause_s=100.0 if slow == "the lookup" else 0.0)
    answers = make_answers(cache)
    pause_s = 100.0 if slow == "the body" else 0.0
    cache.responses["https://answers.openrouter-edge.invalid/key"] = Response(b"value", [], pause_s)
    began_s = asyncio.get_running_loop().time()

    assert await answers.get("key") is None

    assert 0 < asyncio.get_running_loop().time() - began_s < 0.5


async def test_a_cache_that_is_just_fast_enough_is_a_hit(make_answers: Callable[[Cache | None], Any]) -> None:
    cache = Cache(pause_s=0.1)
    answers = make_answers(cache)
    await answers.put("key", b"value", ttl_s=60)

    assert await answers.get("key") == b"value"
