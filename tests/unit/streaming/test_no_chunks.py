"""Events that are no chunks: words and scalars are dropped, broken JSON ends the stream, errors count."""

from collections.abc import Callable

import pytest

from tests.support.chunks import DONE, STOP, USAGE, chunk, text
from tests.support.fidelity import read_stream
from tests.support.upstream import HANG, Act, Step, stream
from tests.support.world import World

pytestmark = pytest.mark.anyio
IDLE_S = 5

DROPPED = [
    *(b"data: null", b"data: []", b"data: true", b"data: false", b"data: 0", b"data: -1.5", b'data: ""'),
    *(b'data: "keep-alive"', b"data: ping", b"data: keep-alive", b"data: PING\r", b"data:", b"data"),
    *(b"event: ping", b"id: 7", b"retry: 10", b"event: ping\ndata:", b"event: ping\ndata: null"),
    *(b"event: ping\nid: 7", b"unknown: field", b"unknown"),
]
dropped = pytest.mark.parametrize("odd", DROPPED, ids=repr)


def between(odd: bytes) -> tuple[bytes, ...]:
    return text("Hel"), odd + b"\n\n", text("lo."), STOP, USAGE, DONE


def before(odd: bytes) -> tuple[bytes, ...]:
    return odd + b"\n\n", text("Hel"), text("lo."), STOP, USAGE, DONE


def after_a_repeated_frame(odd: bytes) -> tuple[bytes, ...]:
    return text("He"), text("l"), odd + b"\n\n", text("lo."), STOP, USAGE, DONE


def after_the_finish(odd: bytes) -> tuple[bytes, ...]:
    return text("Hello."), STOP, odd + b"\n\n", USAGE, DONE


PLACES = [before, between, after_a_repeated_frame, after_the_finish]
placed = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)


@dropped
@placed
async def test_a_word_or_a_scalar_is_dropped_and_nothing_is_lost(
    place: Callable[[bytes], tuple[bytes, ...]], odd: bytes
) -> None:
    with_it, without_it = place(odd), [each for each in place(odd) if each != odd + b"\n\n"]
    world = World().script("a/one", stream(*with_it)).script("b/two", stream(*without_it))

    got = await world.ask("a/one", stream=True)
    expected = await world.ask("b/two", stream=True)

    found = read_stream(got.body)
    assert (found.text, found.done, found.finishes) == ("Hello.", True, {"0": "stop"})
    assert got.receipt["cost_usd"] == expected.receipt["cost_usd"] is not None
    assert len(found.payloads) == len(read_stream(expected.body).payloads)
    assert odd + b"\n\n" not in got.body


@dropped
async def test_a_word_or_a_scalar_is_no_progress(odd: bytes) -> None:
    beat: list[Step] = [step for _ in range(100) for step in (1.0, odd + b"\n\n")]
    world = World().script("a/one", stream(text("Half "), *beat, HANG)).script("b/two", stream(*beat, HANG))
    options = {"idle_ms": IDLE_S * 1_000, "first_token_ms": IDLE_S * 1_000, "retries": 0}

    cut_off = await world.ask("a/one", stream=True, gateway=options)
    silent = await world.ask("b/two", stream=True, gateway=options)

    found = read_stream(cut_off.body)
    assert found.error is not None
    assert found.error["code"] == "idle_timeout"
    assert cut_off.pieces[-1][0] <= IDLE_S + 1
    assert silent.error["code"] == "first_token_timeout"


GOOD = chunk({"role": "assistant", "content": "CANARY"}).removesuffix(b"\n\n")
MALFORMED = {
    "a bracket is missing": GOOD[:-1],
    "a bracket too many": GOOD + b"}",
    "cut in a string": GOOD[: GOOD.index(b"CANARY") + 6],
    "cut after a name": GOOD[: GOOD.index(b'"finish_reason"') + 16],
    "two objects glued": GOOD + GOOD.removeprefix(b"data: "),
    "two objects on two lines": GOOD + b"\n" + GOOD,
    "a word after it": GOOD + b" ok",
    "a comma at the end": GOOD[:-1] + b",}",
    "a raw tab": GOOD.replace(b"CANARY", b"CANARY\t"),
    "a raw NUL": GOOD.replace(b"CANARY", b"CANARY\0"),
    "half a character": GOOD.replace(b"CANARY", b"CANARY\xe2\x82"),
    "another encoding": GOOD.replace(b"CANARY", b"CANARY\xe9"),
    "an encoded surrogate": GOOD.replace(b"CANARY", b"CANARY\xed\xa0\x80"),
    "no such escape": GOOD.replace(b"CANARY", rb"CANARY\x"),
    "NaN": GOOD.replace(b'"index":0', b'"index":0,"x":NaN'),
    "Infinity": GOOD.replace(b'"index":0', b'"index":0,"x":-Infinity'),
    "single quotes": GOOD.replace(b'"gen-1"', b"'gen-1'"),
    "a number with a zero before it": GOOD.replace(b'"index":0', b'"index":00'),
}
malformed = pytest.mark.parametrize("name", MALFORMED)


@malformed
@pytest.mark.parametrize("place", PLACES[1:3], ids=lambda place: place.__name__)
async def test_broken_json_ends_the_stream_and_none_of_it_passes(
    place: Callable[[bytes], tuple[bytes, ...]], name: str
) -> None:
    world = World().script("a/one", stream(*place(MALFORMED[name])))

    got = await world.ask("a/one", stream=True)

    found = read_stream(got.body)
    assert found.error is not None
    assert found.error["code"] == "malformed_event"
    assert "Hello.".startswith(found.text)
    assert b"CANARY" not in got.body
    assert found.finishes == {}


@malformed
async def test_broken_json_before_the_first_word_sends_the_request_to_the_next_model(name: str) -> None:
    world = World().script("a/one", stream(*before(MALFORMED[name])))

    got = await world.ask("a/one", "b/two", stream=True)

    assert got.codes == ["malformed_event", None]
    assert read_stream(got.body).text == "Hello."
    assert b"CANARY" not in got.body


@malformed
async def test_broken_json_after_the_finish_takes_nothing_from_the_answer(name: str) -> None:
    world = World().script("a/one", stream(*after_the_finish(MALFORMED[name])))

    found = read_stream((await world.ask("a/one", stream=True)).body)

    assert (found.text, found.done, found.error) == ("Hello.", True, None)


ERRORS = {
    "without data": b'{"error":{"code":503,"message":"Overloaded"}}',
    "without data, after a blank": b' {"error": {"code": 503, "message": "Overloaded"}}',
    "as data": b'data: {"error":{"code":503,"message":"Overloaded"}}',
    "with a name": b'event: error\ndata: {"error":{"code":503,"message":"Overloaded"}}',
}


@pytest.mark.parametrize("name", ERRORS)
async def test_an_error_in_any_form_ends_the_stream(name: str) -> None:
    act: Act = stream(*between(ERRORS[name]))
    world = World().script("a/one", act)

    found = read_stream((await world.ask("a/one", stream=True)).body)

    assert found.error is not None
    assert (found.text, found.error["code"]) == ("Hel", "overloaded")


@pytest.mark.parametrize("name", ERRORS)
async def test_an_error_in_any_form_before_the_first_word_sends_the_request_to_the_next_model(
    name: str,
) -> None:
    world = World().script("a/one", stream(ERRORS[name] + b"\n\n"))

    got = await world.ask("a/one", "b/two", stream=True)

    assert got.codes == ["overloaded", None]


@pytest.mark.parametrize("end", [b"\n\n", b"\n", b""], ids=repr)
async def test_an_error_without_data_may_be_the_last_line(end: bytes) -> None:
    world = World().script("a/one", stream(text("Half "), ERRORS["without data"] + end))

    found = read_stream((await world.ask("a/one", stream=True)).body)

    assert found.error is not None
    assert found.error["code"] == "overloaded"
