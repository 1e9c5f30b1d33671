"""How much of a reply is read: up to the commit, of a plain answer, of an error, and of what is looked up."""

import json
from collections.abc import Awaitable, Callable

import pytest

from gateway.catalog import endpoints, refresh
from gateway.http.sse import MAX_EVENT_BYTES, MAX_EVENT_VALUES
from gateway.memory import get
from gateway.upstream.commit import MAX_ERROR_BYTES, MAX_IDLE_BYTES
from tests.support.catalog_world import UPSTREAM_ENDPOINTS, world_of, world_with
from tests.support.chunks import COMMENT, DONE, ROLE, STOP, USAGE, chunk, event, text, text_in
from tests.support.models import HAIKU, listing
from tests.support.upstream import Act, Step, answer, healthy_stream, reply, stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
LIMIT = 2_000


async def ask(act: Act, *, streamed: bool = False) -> tuple[Answer, World]:
    world = World().script("a/one", act)
    return await world.ask("a/one", "b/two", stream=streamed, gateway={"retries": 0}), world


def in_pieces(body: bytes, piece_bytes: int = 65_536) -> list[Step]:
    return [body[place : place + piece_bytes] for place in range(0, len(body), piece_bytes)]


async def test_a_plain_answer_may_be_large() -> None:
    got, _ = await ask(answer("x" * (MAX_EVENT_BYTES - 1_000)))

    assert (got.codes, len(got.json["choices"][0]["message"]["content"])) == (
        [None],
        MAX_EVENT_BYTES - 1_000,
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b" " * (MAX_EVENT_BYTES + 1), id="bytes"),
        pytest.param(b'{"choices":[],"x":[' + b"0," * 500_000 + b"0]}", id="values"),
        pytest.param(b'{"choices":[' + b"{}," * 1_000 + b"{}]}", id="choices"),
    ],
)
async def test_an_answer_that_is_too_large_is_the_fault_of_its_model(body: bytes) -> None:
    got, world = await ask(reply(200, *in_pieces(body)))

    assert (got.codes, got.receipt["served"]) == (["answer_too_large", None], "b/two")
    assert world.transport.replies[0].aborted


async def test_an_error_that_is_too_large_is_judged_by_its_status() -> None:
    error = json.dumps({"error": {"message": "No endpoints found. " * MAX_ERROR_BYTES}}).encode()

    got, world = await ask(reply(429, *in_pieces(error), retry_after="20"))

    assert (got.codes, got.receipt["served"]) == (["rate_limited", None], "b/two")
    assert world.transport.replies[0].aborted
    assert not world.transport.replies[0].ended


IDLE: dict[str, bytes] = {
    "comments": b": " + b"x" * 10_000 + b"\n\n",
    "short comments": b":\n\n" * 1_000,
    "blank lines": b"\n" * 10_000,
    "roles": chunk({"role": "assistant", "content": ""}, padding="x" * 10_000),
    "white space": chunk({"content": " " * 10_000}),
    "empty data": b"data:\n\n" * 100,
    "other fields": b"id: 7\n\n" * 100,
}


@pytest.mark.parametrize("name", IDLE)
async def test_a_stream_may_send_so_much_without_progress_and_no_more(name: str) -> None:
    few, many = MAX_IDLE_BYTES // 2 // len(IDLE[name]) // 10, 2 * MAX_IDLE_BYTES // len(IDLE[name]) + 1

    served, _ = await ask(stream(*[IDLE[name]] * few, text("Hi"), STOP, DONE), streamed=True)
    refused, world = await ask(stream(*[IDLE[name]] * many, text("Hi"), STOP, DONE), streamed=True)

    assert text_in(served.events).strip() == "Hi"
    assert refused.codes[0] == "answer_too_large"
    assert refused.receipt["served"] == "b/two"
    assert world.transport.replies[0].aborted


async def test_an_image_in_the_first_event_is_progress_however_large_it_is() -> None:
    image = chunk({"content": "", "images": [{"image_url": {"url": "x" * (MAX_EVENT_BYTES - 1_000)}}]})

    got, _ = await ask(stream(COMMENT, ROLE, *in_pieces(image), STOP, USAGE, DONE), streamed=True)

    assert got.codes == [None]
    assert image in got.body


async def test_an_event_may_not_hold_very_many_values() -> None:
    many = event({"choices": [{"delta": {"content": "x"}}], "x": [0] * MAX_EVENT_VALUES})

    got, _ = await ask(stream(many), streamed=True)

    assert got.codes == ["malformed_event", None]


async def test_what_the_runtime_cuts_into_single_bytes_is_read_like_anything_else() -> None:
    body = ROLE + COMMENT + text("Hi") + STOP + DONE

    got, _ = await ask(stream(*in_pieces(body, 1)), streamed=True)

    assert text_in(got.events) == "Hi"


async def look_up_models() -> str | None:
    world = world_of(listing())
    got = await world.get("/v1/models")
    return str(got.error["code"]) if got.status != 200 else None


async def look_up_endpoints() -> str | None:
    world = world_with(reply(200, *in_pieces(json.dumps({"data": {"x": "y" * LIMIT}}).encode())))
    got = await world.get(f"/v1/models/{HAIKU}/endpoints")
    assert UPSTREAM_ENDPOINTS in world.upstream.got
    return str(got.error["code"]) if got.status != 200 else None


async def look_up_key() -> str | None:
    world = World({"GATEWAY_KEYS": "", "OPEN_ON_LOOPBACK": "true"})
    world.upstream.pages["/key"] = (
        reply(200, json.dumps({"data": {"usage": 1, "x": "y" * LIMIT}}).encode()),
    )
    response = await world.begin(b"", method="GET", path="/v1/key", host="localhost", headers={})
    assert isinstance(response.body, bytes)
    return "unknown" if json.loads(response.body)["openrouter"] is None else None


@pytest.mark.parametrize(
    ("limit", "look_up", "code"),
    [
        ((refresh, "MAX_REPLY_BYTES"), look_up_models, "openrouter_error"),
        ((endpoints, "MAX_REPLY_BYTES"), look_up_endpoints, "openrouter_error"),
        ((get, "SMALL_BYTES"), look_up_key, "unknown"),
    ],
    ids=["models", "endpoints", "key"],
)
async def test_what_is_looked_up_is_read_up_to_a_limit(
    limit: tuple[object, str],
    look_up: Callable[[], Awaitable[str | None]],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await look_up() is None

    module, name = limit
    monkeypatch.setattr(module, name, LIMIT)
    if name == "SMALL_BYTES":
        monkeypatch.setattr(get.get, "__kwdefaults__", {"limit_bytes": LIMIT})

    assert await look_up() == code


async def test_a_healthy_stream_is_not_changed_by_any_limit() -> None:
    got, _ = await ask(healthy_stream("Hello."), streamed=True)

    assert text_in(got.events) == "Hello."


LONG = 300_000


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"content": " \n\t\u2003" * LONG}, "empty_answer"),
        ({"content": "\n" * 4 * LONG}, "empty_answer"),
        ({"content": "", "reasoning": "Well. " * LONG}, "reasoning_only"),
    ],
)
async def test_a_large_answer_is_checked_as_a_small_one(message: dict[str, str], code: str) -> None:
    got, _ = await ask(reply(200, *in_pieces(completion(message))))

    assert got.codes == [code, None]


def completion(message: dict[str, str], **fields: object) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
    return json.dumps({"id": "gen-1", "model": "a/one", "choices": [choice], **fields}).encode()


async def test_what_a_large_error_says_is_told_without_placeholders() -> None:
    said = "Slow" + " " * 600 + "down. " * LONG
    error = json.dumps({"error": {"code": 429, "message": said, "metadata": {"raw": said}}}).encode()
    world = World().script("a/one", reply(200, *in_pieces(error)))

    got = await world.ask("a/one", gateway={"retries": 0})

    assert got.error["metadata"]["upstream"]["message"].startswith("Slow down. down.")
    assert "@long" not in got.body.decode()
