import json
from typing import Any

import pytest

from gateway.dialects.chat.chunk_shape import ChatChunkShape
from gateway.dialects.finish_reason import FINISH_WORDS
from gateway.http.json_values import Json, JsonObject
from tests.support.chunks import COST_USD, DONE, STOP, USAGE, chunk, event, text
from tests.support.samples import sample
from tests.support.upstream import stream
from tests.support.world import EPOCH_S, World

pytestmark = pytest.mark.anyio
BARE_STOP: JsonObject = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
USAGE_ONLY: JsonObject = {
    "choices": [],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": COST_USD},
}


async def get(*events: bytes | object, **fields: object) -> list[Any]:
    """Return the payloads that the client gets for a stream of these events or payloads."""
    sent = [each if isinstance(each, bytes) else event(each) for each in events]
    got = await World().script("a/one", stream(*sent)).ask("a/one", stream=True, **fields)
    return got.events


async def deltas_of(*deltas: JsonObject, finish: str = "stop") -> list[Any]:
    """Return the deltas that the client gets for these deltas of an upstream."""
    got = await get(*(chunk(each) for each in deltas), chunk(finish=finish), DONE)
    assert got[-1] == "[DONE]"
    return [each["choices"][0]["delta"] for each in got[:-2]]


def call(index: int | None, call_id: str | None = None, **function: Json) -> JsonObject:
    """Return a delta with one piece of a tool call."""
    piece: JsonObject = {"function": function}
    piece |= {} if index is None else {"index": index}
    return {"tool_calls": [piece | ({} if call_id is None else {"id": call_id, "type": "function"})]}


async def finishes_of(*finishes: str | None, delta: JsonObject | None = None) -> list[Any]:
    got = await get(chunk(delta or {"content": "Hi"}), *(chunk(finish=each) for each in finishes), DONE)
    return [each["choices"][0]["finish_reason"] for each in got[1:-1]]


ODD = (
    b'data: { "choices":[ {"delta":{"content":"\\u0061"}, "index":0} ],"new":1.50, "id":"gen-1",'
    b'"object":"chat.completion.chunk","created":1,"model":"m"}\n\n'
)
PIECES = (chunk(call(0, "x", name="f", arguments="")), chunk(call(0, arguments="{}")))


@pytest.mark.parametrize(
    "body",
    [text("Hi") + ODD + STOP + DONE, b"".join(PIECES) + chunk(finish="tool_calls") + DONE],
    ids=["text", "a tool call"],
)
async def test_a_regular_stream_is_passed_on_byte_for_byte(body: bytes) -> None:
    assert (await World().script("a/one", stream(body)).ask("a/one", stream=True)).body == body


@pytest.mark.parametrize("name", ["sse-01", "sse-02", "sse-03"])
async def test_a_recorded_stream_needs_no_change(name: str) -> None:
    events = [each for each in sample(name).body.split(b"\n\n") if each.startswith(b"data: {")]
    payloads: list[dict[str, Any]] = [json.loads(each[6:]) for each in events]
    shape = ChatChunkShape(payloads[0], {"id": "x", "created": 0, "model": "x"}, openai_usage=False)

    changed = [shape.shape(payload) for payload in payloads if "usage" not in payload]

    assert not any(changed)


async def test_fields_that_the_stream_lacks_are_added_to_every_chunk() -> None:
    bare = [{"choices": [{"delta": {"content": word}}]} for word in ("a", "b")]

    got = await get(*bare, BARE_STOP, DONE)

    fields = {"id": "gen-req-0000000000000001", "created": int(EPOCH_S), "model": "a/one"}
    for each in got[:-1]:
        assert each == {**fields, "object": "chat.completion.chunk", "choices": each["choices"]}
        assert each["choices"][0]["index"] == 0


async def test_chunks_without_an_id_time_or_model_get_those_of_the_first() -> None:
    got = await get(text("a"), {"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]}, DONE)

    assert (got[1]["id"], got[1]["created"], got[1]["model"]) == ("gen-1", 1_795_338_000, "served/one")


DELTAS: list[tuple[str, JsonObject, JsonObject]] = [
    ("text parts", {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}, {"content": "ab"}),
    ("reasoning_content", {"reasoning_content": "A"}, {"reasoning": "A", "reasoning_content": "A"}),
    ("unknown fields", {"content": "a", "new": {"y": [2]}}, {"content": "a", "new": {"y": [2]}}),
]


@pytest.mark.parametrize(("sent", "shown"), [pytest.param(*row, id=name) for name, *row in DELTAS])
async def test_every_delta_is_brought_into_one_form(sent: JsonObject, shown: JsonObject) -> None:
    assert await deltas_of(sent, {"content": "x"}, sent) == [shown, {"content": "x"}, shown]


async def test_only_the_first_piece_of_a_tool_call_gets_an_id() -> None:
    first, second, third = await deltas_of(
        call(0, name="f", arguments=""), call(0, arguments='{"x"'), call(1, name="g", arguments="{}")
    )

    assert first["tool_calls"][0]["id"] == "call_gen-1_0"
    assert first["tool_calls"][0]["type"] == "function"
    assert second == call(0, arguments='{"x"')
    assert third["tool_calls"][0]["id"] == "call_gen-1_1"


async def test_a_tool_calls_own_id_is_kept() -> None:
    sent = [call(0, "own", name="f", arguments=""), call(0, arguments="{}")]

    assert await deltas_of(*sent) == sent


async def test_a_tool_call_without_an_index_gets_its_position() -> None:
    (got,) = await deltas_of({"tool_calls": [{"function": {"name": "f"}}, {"function": {"name": "g"}}]})

    assert [each["index"] for each in got["tool_calls"]] == [0, 1]


@pytest.mark.parametrize(("arguments", "shown"), [({"x": 1}, '{"x": 1}'), ([1], "[1]"), ("{}", "{}")])
async def test_arguments_become_a_string(arguments: Json, shown: str) -> None:
    got = await deltas_of({"content": "Hi"}, call(0, "x", name="f", arguments=arguments))

    assert got[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": shown}


async def test_a_function_call_becomes_a_tool_call() -> None:
    first, second = await deltas_of(
        {"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}
    )

    assert first["tool_calls"][0] == {"id": "call_gen-1_0", **call_piece(name="f", arguments="")}
    assert second["tool_calls"][0] == call_piece(arguments="{}")


def call_piece(**function: Json) -> JsonObject:
    return {"index": 0, "type": "function", "function": function}


@pytest.mark.parametrize(("sent", "reason"), [*FINISH_WORDS.items(), ("STOP", "stop"), ("???", "length")])
async def test_a_finish_reason_becomes_one_of_openais_and_the_providers_is_kept(
    sent: str, reason: str
) -> None:
    got = await get(text("Hi"), {"choices": [{"index": 0, "delta": {}, "finish_reason": sent}]}, DONE)

    choice = got[1]["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (reason, sent)


@pytest.mark.parametrize(("sent", "reason"), [("stop", "tool_calls"), ("length", "length")])
@pytest.mark.parametrize("form", ["tool_calls", "function_call"])
async def test_stop_after_tool_calls_becomes_tool_calls(sent: str, reason: str, form: str) -> None:
    function: JsonObject = {"name": "f", "arguments": "{}"}
    deltas: dict[str, JsonObject] = {
        "tool_calls": call(0, "x", **function),
        "function_call": {"function_call": function},
    }

    assert await finishes_of(sent, delta=deltas[form]) == [reason]


async def test_a_finish_reason_is_sent_once() -> None:
    assert await finishes_of("stop", "stop", None, "end_turn") == [None, None, None, "stop"]


async def test_each_choice_has_its_finish_reason_once() -> None:
    def ends(index: int) -> JsonObject:
        return {"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]}

    got = await get(text("Hi"), ends(0), ends(1), ends(1), DONE)

    ended = [(each["choices"][0]["index"], each["choices"][0]["finish_reason"]) for each in got[1:-1]]
    assert ended == [(1, None), (0, "stop"), (1, "stop")]


@pytest.mark.parametrize("form", ["repeated finish", "no choices"])
@pytest.mark.parametrize("requested", [None, False, True])
async def test_the_usage_chunk_has_the_requested_form(form: str, requested: bool | None) -> None:
    fields = {} if requested is None else {"stream_options": {"include_usage": requested}}
    usage = USAGE if form == "repeated finish" else event(USAGE_ONLY)

    *_, last, done = await get(text("Hi"), STOP, usage, DONE, **fields)

    assert done == "[DONE]"
    choices = [{**choice, "native_finish_reason": None} for choice in last["choices"]]
    empty = {"index": 0, "delta": {}, "finish_reason": None, "native_finish_reason": None}
    assert choices == ([] if requested else [empty])
    assert (last["usage"]["total_tokens"], last["usage"]["cost"]) == (5, COST_USD)
    assert last["gateway"]["cost_usd"] == COST_USD
