"""How a call of a Durable Object ends: with a text, or with one word for what happened."""

import asyncio
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gateway.coordination.port import CoordinatorError
from tests.support.javascript import import_with

MODULE = "gateway.edge.coordinator"


class JsError(Exception):
    """A fake of ``JsException``, with the members of JavaScript's error."""

    def __init__(self, message: str, **members: object) -> None:
        super().__init__()
        self.__dict__.update(members, message=message)


class Objects:
    """A fake of the binding. Each stub is used once."""

    def __init__(self, answer: Callable[[str], object]) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.stubs = 0
        self._answer = answer

    def idFromName(self, name: str) -> SimpleNamespace:  # noqa: N802  # JavaScript's name
        return SimpleNamespace(name=name)

    def get(self, object_id: SimpleNamespace) -> SimpleNamespace:
        self.stubs += 1

        async def admit(text: str) -> object:
            self.calls.append((object_id.name, "admit", text))
            return self._answer(text)

        return SimpleNamespace(admit=admit)


ERRORS = [
    (JsError("Durable Object is overloaded. Too many requests queued.", overloaded=True), "overloaded"),
    (JsError("in words of a later release", overloaded=True), "overloaded"),
    (JsError("Too many requests for the same object within a 10 second window."), "overloaded"),
    (JsError("Durable Object reset because its code was updated.", retryable=True), "reset"),
    (JsError("The Durable Object's code has been updated, this version can no longer"), "reset"),
    (JsError("Storage operation exceeded timeout which caused object to be reset."), "reset"),
    (JsError("Network connection lost.", retryable=True), "unreachable"),
    (JsError("Cannot resolve Durable Object due to transient issue.", retryable=True), "unreachable"),
    (JsError("Exceeded allowed duration in Durable Objects free tier."), "quota"),
    (JsError("Exceeded allowed volume of requests in Durable Objects free tier."), "quota"),
    (JsError("the coordinator failed: KeyError after a reset", remote=True), "failed"),
    (JsError('The RPC receiver does not implement the method "admit".'), "failed"),
    (JsError("internal error; reference = abc"), "failed"),
]


def raising(error: Exception) -> Callable[[str], object]:
    def answer(_text: str) -> object:
        raise error

    return answer


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return import_with(monkeypatch, MODULE, js={}, ffi={"JsException": JsError})


def port_to(module: ModuleType, objects: object) -> Any:  # noqa: ANN401  # a class of the fresh module
    return module.Coordinators(SimpleNamespace(COORDINATOR=objects))


def called(module: ModuleType, answer: Callable[[str], object]) -> str:
    reply: str = asyncio.run(port_to(module, Objects(answer)).call("key:app", "admit", "{}"))
    return reply


def test_a_text_goes_to_the_object_of_the_scope_and_a_text_comes_back(module: ModuleType) -> None:
    objects = Objects(lambda text: f"{text} back")

    assert asyncio.run(port_to(module, objects).call("key:app", "admit", "{}")) == "{} back"
    assert objects.calls == [("key:app", "admit", "{}")]


def test_each_call_takes_a_new_stub(module: ModuleType) -> None:
    objects = Objects(lambda text: text)

    async def twice() -> None:
        port = port_to(module, objects)
        await port.call("key:app", "admit", "1")
        await port.call("key:app", "admit", "2")

    asyncio.run(twice())

    assert objects.stubs == 2


@pytest.mark.parametrize(("error", "what"), ERRORS)
def test_an_error_becomes_one_word_without_its_message(module: ModuleType, error: JsError, what: str) -> None:
    with pytest.raises(CoordinatorError) as caught:
        called(module, raising(error))

    assert caught.value.what == what
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("reply", [None, 7, b"{}", {"admitted": True}])
def test_a_reply_that_is_no_text_is_a_failure(module: ModuleType, reply: object) -> None:
    with pytest.raises(CoordinatorError) as caught:
        called(module, lambda _text: reply)

    assert caught.value.what == "failed"


@pytest.mark.parametrize("env", [SimpleNamespace(), SimpleNamespace(COORDINATOR=None)])
def test_a_missing_binding_is_not_bound(module: ModuleType, env: object) -> None:
    assert not module.Coordinators(env).bound


def test_a_binding_is_bound(module: ModuleType) -> None:
    assert port_to(module, Objects(str)).bound
