"""Tool calls as clients assemble them: one index and one id for each call, and arguments that are JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.tool_calls import MAX_CALLS, CallPieces, shape_calls
from gateway.http.json_values import Json, JsonObject
from tests.support.chunks import DONE, chunk
from tests.support.upstream import stream
from tests.support.world import World

pytestmark = pytest.mark.anyio
PORTO, FARO = '{"port":"Porto"}', '{"port":"Faro"}'


MISSING = "(missing)"


def piece(arguments: Json = MISSING, *, name: str | None = None, **fields: Any) -> JsonObject:  # noqa: ANN401  # any JSON
    """Return a piece of a call of the function ``name``; a further piece has no name."""
    function: JsonObject = {} if arguments == MISSING else {"arguments": arguments}
    return {**fields, "function": function | ({} if name is None else {"name": name})}


def assemble(calls: dict[int, dict[str, str]], pieces: list[Any]) -> None:
    """Join the pieces of a chunk as OpenAI's SDK does: texts of the same index are appended."""
    for each in pieces:
        assert type(each["index"]) is int
        call = calls.setdefault(each["index"], {"id": "", "name": "", "arguments": ""})
        call["id"] += each.get("id") or ""
        call["name"] += each["function"].get("name") or ""
        arguments = each["function"].get("arguments")
        assert arguments is None or isinstance(arguments, str)
        call["arguments"] += arguments or ""


async def calls_of(*chunks: list[JsonObject], finish: str = "tool_calls") -> list[tuple[str, Any]]:
    """Return the name and the arguments of each call that a client sees; ids and indexes are checked."""
    sent = [*(chunk({"tool_calls": pieces}) for pieces in chunks), chunk(finish=finish), DONE]
    got = await World().script("a/one", stream(*sent)).ask("a/one", stream=True)
    assert got.events[-1] == "[DONE]"
    calls: dict[int, dict[str, str]] = {}
    for event in got.events[:-1]:
        assemble(calls, event["choices"][0]["delta"].get("tool_calls", []))
    ids = [call["id"] for call in calls.values()]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert all(len(each) < 100 for each in ids)
    return [(calls[index]["name"], json.loads(calls[index]["arguments"])) for index in sorted(calls)]


TWO = [("tide", {"port": "Porto"}), ("tide", {"port": "Faro"})]
A: dict[str, Any] = {"id": "a", "type": "function"}
B: dict[str, Any] = {"id": "b", "type": "function"}
STREAMS: list[tuple[str, list[list[JsonObject]]]] = [
    (
        "OpenAI's form",
        [
            [piece("", name="tide", index=0, **A)],
            [piece(PORTO, index=0)],
            [piece(FARO, name="tide", index=1, **B)],
        ],
    ),
    ("no index, two chunks", [[piece(PORTO, name="tide", **A)], [piece(FARO, name="tide", **B)]]),
    ("no index, one chunk", [[piece(PORTO, name="tide", **A), piece(FARO, name="tide", **B)]]),
    ("no index, no ids", [[piece(PORTO, name="tide")], [piece(FARO, name="tide")]]),
    ("no index, no ids, one chunk", [[piece(PORTO, name="tide"), piece(FARO, name="tide")]]),
    (
        "no index, in pieces",
        [
            [piece("", name="tide", **A)],
            [piece(PORTO[:5])],
            [piece(PORTO[5:])],
            [piece("", name="tide", **B)],
            [piece(FARO)],
        ],
    ),
    (
        "index null, ids repeated",
        [
            [piece(PORTO[:5], name="tide", index=None, **A)],
            [piece(PORTO[5:], index=None, **A)],
            [piece(FARO, name="tide", index=None, **B)],
        ],
    ),
    (
        "by id, in turns",
        [
            [piece("", name="tide", **A)],
            [piece("", name="tide", **B)],
            [piece(PORTO, id="a")],
            [piece(FARO, id="b")],
        ],
    ),
    (
        "one index, different ids",
        [[piece(PORTO, name="tide", index=0, **A)], [piece(FARO, name="tide", index=0, **B)]],
    ),
    (
        "one index, in turns",
        [
            [piece("", name="tide", index=0, **A)],
            [piece("", name="tide", index=0, **B)],
            [piece(PORTO, index=0, id="a")],
            [piece(FARO, index=0, id="b")],
        ],
    ),
    (
        "one index, a new id for each piece",
        [
            [piece(PORTO[:5], name="tide", index=0, id="x1")],
            [piece(PORTO[5:], index=0, id="x2")],
            [piece(FARO, name="tide", index=1, id="x3")],
        ],
    ),
    (
        "the name repeated",
        [
            [piece(PORTO[:5], name="tide", index=0, **A)],
            [piece(PORTO[5:], name="tide", index=0, **A)],
            [piece(FARO, name="tide", index=1, **B)],
        ],
    ),
    (
        "the name repeated, no index and no id",
        [[piece(PORTO[:5], name="tide")], [piece(PORTO[5:], name="tide")], [piece(FARO, name="tide")]],
    ),
    (
        "several pieces, no index",
        [
            [piece("", name="tide", **A), piece("", name="tide", **B)],
            [piece(PORTO[:5]), piece(FARO[:5])],
            [piece(PORTO[5:]), piece(FARO[5:])],
        ],
    ),
    ("empty ids", [[piece(PORTO, name="tide", index=0, id="")], [piece(FARO, name="tide", index=1, id="")]]),
    (
        "ids that are numbers",
        [[piece(PORTO, name="tide", index=0, id=1)], [piece(FARO, name="tide", index=1, id=2)]],
    ),
    (
        "the same id twice",
        [[piece(PORTO, name="tide", index=0, **A)], [piece(FARO, name="tide", index=1, **A)]],
    ),
    (
        "an index that is text",
        [[piece(PORTO, name="tide", index="0", **A)], [piece(FARO, name="tide", index="1", **B)]],
    ),
    (
        "an index that is a fraction",
        [[piece(PORTO, name="tide", index=0.0, **A)], [piece(FARO, name="tide", index=1.0, **B)]],
    ),
    (
        "no valid index",
        [[piece(PORTO, name="tide", index=-1, **A)], [piece(FARO, name="tide", index=10**9, **B)]],
    ),
    (
        "arguments that are objects",
        [
            [piece({"port": "Porto"}, name="tide", index=0, **A)],
            [piece({"port": "Faro"}, name="tide", index=1, **B)],
        ],
    ),
    (
        "arguments null at first",
        [
            [piece(None, name="tide", index=0, **A)],
            [piece(PORTO, index=0)],
            [piece(FARO, name="tide", index=1, **B)],
        ],
    ),
]


@pytest.mark.parametrize("chunks", [pytest.param(chunks, id=name) for name, chunks in STREAMS])
async def test_a_client_sees_two_calls_however_they_are_marked(
    chunks: list[list[JsonObject]],
) -> None:
    assert await calls_of(*chunks) == TWO


@pytest.mark.parametrize("arguments", [MISSING, None, "", " ", {}, []], ids=repr)
@pytest.mark.parametrize("finish", ["tool_calls", "stop"])
async def test_a_call_without_arguments_has_an_empty_object(arguments: Json, finish: str) -> None:
    assert await calls_of([piece(arguments, name="bell", index=0, **A)], finish=finish) == [("bell", {})]


async def test_a_call_without_arguments_beside_one_with_them() -> None:
    chunks = [[piece("", name="bell", index=0, **A)], [piece(PORTO, name="tide", index=1, **B)]]

    assert await calls_of(*chunks) == [("bell", {}), ("tide", {"port": "Porto"})]


async def test_a_cut_call_gets_no_arguments_of_ours() -> None:
    sent = stream(chunk({"tool_calls": [piece("", name="bell", index=0, **A)]}))

    got = await World().script("a/one", sent).ask("a/one", stream=True, gateway={"retries": 0})

    assert got.events[-1]["error"]["code"] == "no_finish_reason"
    assert "{}" not in json.dumps(got.events[0]["choices"][0]["delta"])


async def test_a_regular_piece_passes_unchanged_and_is_not_parsed_twice() -> None:
    sent = [chunk({"tool_calls": [piece(text, index=0)]}) for text in ('{"a":', "1", "}")]
    first = chunk({"tool_calls": [piece("", name="f", index=0, **A)]})

    got = (
        await World()
        .script("a/one", stream(first, *sent, chunk(finish="tool_calls"), DONE))
        .ask("a/one", stream=True)
    )

    assert got.body.startswith(first + b"".join(sent))


async def test_two_choices_have_calls_of_their_own() -> None:
    def of(index: int, call_id: str, arguments: str, finish: str | None = None) -> bytes:
        call = {
            "index": 0,
            "id": call_id,
            "type": "function",
            "function": {"name": "f", "arguments": arguments},
        }
        return chunk(choices=[{"index": index, "delta": {"tool_calls": [call]}, "finish_reason": finish}])

    got = (
        await World()
        .script(
            "a/one",
            stream(of(0, "a", PORTO), of(1, "b", FARO, "tool_calls"), chunk(finish="tool_calls"), DONE),
        )
        .ask("a/one", stream=True)
    )

    calls = [each["choices"][0]["delta"]["tool_calls"][0] for each in got.events[:2]]
    assert [(call["index"], call["id"]) for call in calls] == [(0, "a"), (0, "b")]


def test_the_calls_of_a_plain_answer_have_different_ids() -> None:
    given: list[Any] = ["", "", None, "own", "own", 7, ["x"], {}]
    message: JsonObject = {"tool_calls": [piece("{}", name="f", id=each) for each in given]}

    shape_calls(message, answer_id="gen-1")

    calls: Any = message["tool_calls"]
    ids = [call["id"] for call in calls]
    assert len(set(ids)) == len(ids)
    assert all(isinstance(each, str) and each for each in ids)
    assert ids[3:6] == ["own", "call_gen-1_4", "7"]


ANY: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from(["", "a", "b", "0", "f", "{}", "}"]),
    st.just([]),
)
ANY_PIECE = st.fixed_dictionaries(
    {},
    optional={
        "index": ANY,
        "id": ANY,
        "type": ANY,
        "function": ANY | st.fixed_dictionaries({}, optional={"name": ANY, "arguments": ANY}),
    },
)


@given(st.lists(st.lists(ANY_PIECE, max_size=3), max_size=6))
def test_every_piece_has_an_index_and_each_call_one_id(chunks: list[list[dict[str, Any]]]) -> None:
    pieces = CallPieces()
    ids: dict[int, list[str]] = {}
    for each in chunks:
        pieces.shape({"tool_calls": list(each)}, answer_id="gen-1")
        for shaped in each:
            assert type(shaped["index"]) is int
            if "id" in shaped:
                ids.setdefault(shaped["index"], []).append(shaped["id"])

    every = [call_id for each in ids.values() for call_id in each]
    assert all(each and isinstance(each, str) for each in every)
    assert len(set(every)) == len(every) == len(ids)


def test_no_more_calls_are_told_apart_than_an_answer_can_have() -> None:
    pieces = CallPieces()

    for number in range(MAX_CALLS + 10):
        pieces.shape({"tool_calls": [piece("{}", name="f", id=str(number))]}, answer_id="x")
    last = piece("{}", name="f", id="another")
    pieces.shape({"tool_calls": [last]}, answer_id="x")

    assert last["index"] == MAX_CALLS - 1
