import json

import pytest

from tests.support.chunks import DONE, STOP, event, text, text_in
from tests.support.upstream import RESET, recorded, reply, stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
CHOICES = b'"choices":[{"message":{"content":"x"},"finish_reason":"stop","logprobs":%s}]'


async def relay(*steps: bytes | Exception) -> Answer:
    return await World().script("a/one", stream(*steps)).ask("a/one", "b/two", stream=True)


@pytest.mark.parametrize(
    "usage",
    [
        pytest.param(b'{"cost":NaN}', id="not a number"),
        pytest.param(b'{"cost":1e999}', id="infinity"),
    ],
)
async def test_an_invalid_cost_does_not_spoil_the_stream(usage: bytes) -> None:
    got = await relay(text("Hi"), STOP, b'data: {"choices":[],"usage":' + usage + b"}\n\n", DONE)

    assert got.body.endswith(DONE)


async def test_a_bug_after_the_commit_ends_the_stream_with_one_error_event() -> None:
    got = await relay(text("Hi"), RuntimeError("a bug"))

    assert got.events[-1]["error"]["code"] == "gateway_fault"


@pytest.mark.parametrize("kind", ["TEXT/EVENT-STREAM", "Text/Event-Stream; Charset=UTF-8"])
async def test_the_case_of_a_media_type_does_not_matter(kind: str) -> None:
    world = World().script("a/one", reply(200, text("Hi"), STOP, DONE, content_type=kind))

    got = await world.ask("a/one", stream=True)

    assert text_in(got.events) == "Hi"


async def test_an_event_with_empty_data_is_ignored() -> None:
    got = await relay(b"data:\n\n", text("Hi"), b"data:\n\n", STOP, DONE)

    assert got.headers["x-gateway-model"] == "a/one"
    assert got.events[-1] == "[DONE]"


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
async def test_a_number_that_json_cannot_represent_never_reaches_the_client(
    number: bytes,
) -> None:
    body = b"{" + CHOICES % number + b"}"

    got = await World().script("a/one", reply(200, body)).ask("a/one", "b/two")

    json.loads(got.body, parse_constant=pytest.fail)


async def test_an_error_as_first_event_is_read_even_without_its_blank_line() -> None:
    error = event({"error": {"code": 401, "message": "User not found."}})
    world = World().script("a/one", stream(error.rstrip()))

    got = await world.ask("a/one", "b/two", stream=True)

    assert (got.status, world.upstream.models) == (401, ["a/one"])


async def test_a_refused_key_stops_the_chain_even_if_its_body_is_cut_off() -> None:
    world = World().script("a/one", reply(401, b'{"err', RESET))

    got = await world.ask("a/one", "b/two")

    assert (got.status, world.upstream.models) == (401, ["a/one"])


async def test_a_long_pause_tells_sdks_not_to_retry() -> None:
    got = await World().script("a/one", recorded("err-429-free-daily")).ask("a/one")

    assert got.headers["retry-after"] == "54000"
    assert got.headers["x-should-retry"] == "false"


async def test_a_byte_order_mark_does_not_reach_the_client() -> None:
    got = await relay(b"\xef\xbb\xbf" + text("Hi"), STOP, DONE)

    assert text_in(got.events) == "Hi"
    assert got.body.startswith(b"data:")
