"""Tests that the end of a stream gets the verdict of a plain answer: thinking alone, cut calls."""

import pytest

from tests.support.messages import STOP, add, begin, end, finish, play, put, start, tool
from tests.support.messages_reader import read
from tests.support.speech import MESSAGES, named_event
from tests.support.upstream import stream
from tests.support.world import World

THINKING = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}}
THOUGHT = (start(), begin(0, "thinking"), named_event(THINKING), finish())

# Streams that say nothing besides thinking, or have a call that is cut off; and the code of the fault.
UNUSABLE: dict[str, tuple[tuple[bytes, ...], str]] = {
    "thinking alone": ((*THOUGHT, end(), STOP), "reasoning_only"),
    "thinking and an empty text": ((*THOUGHT, begin(1), finish(1), end(), STOP), "reasoning_only"),
    "thinking and white space": (
        (*THOUGHT, begin(1), add(" \n", 1), finish(1), end(), STOP),
        "reasoning_only",
    ),
    "cut arguments": (
        (start(), tool(), put('{"path": "a'), finish(), end("tool_use"), STOP),
        "malformed_event",
    ),
    "arguments in pieces": (
        (start(), tool(), put('{"path": '), put('"a"'), finish(), end("tool_use"), STOP),
        "malformed_event",
    ),
    "cut arguments of an open block": (
        (start(), tool(), put('{"pa'), end("tool_use"), STOP),
        "malformed_event",
    ),
    "arguments that are no object": (
        (start(), tool(), put("[1]"), finish(), end("tool_use"), STOP),
        "malformed_event",
    ),
    "cut arguments and another reason": (
        (start(), tool(), put('{"pa'), finish(), end(), STOP),
        "malformed_event",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_stream_whose_answer_is_not_usable_is_cut_off(case: str) -> None:
    events, code = UNUSABLE[case]

    got = play(events)

    assert got.fault is not None
    assert got.fault.code == code
    assert b"message_stop" not in got.all


@pytest.mark.parametrize("case", UNUSABLE)
def test_it_is_cut_off_also_if_the_upstream_only_closes_the_stream(case: str) -> None:
    got = play([each for each in UNUSABLE[case][0] if each != STOP])

    assert got.fault is not None


@pytest.mark.parametrize(
    "events",
    [
        (*THOUGHT, end("max_tokens"), STOP),
        (*THOUGHT, end("pause_turn"), STOP),
        (*THOUGHT, end("refusal"), STOP),
        (*THOUGHT, begin(1), add(" ", 1), add("Hi", 1), add("!", 1), finish(1), end(), STOP),
        (start(), tool(), put('{"path": "a'), finish(), end("max_tokens"), STOP),
        (start(), tool(), put('{"path": '), put('"a"}'), finish(), end("tool_use"), STOP),
        (start(), tool(), put(""), finish(), end("tool_use"), STOP),
        (start(), tool(), finish(), end("tool_use"), STOP),
    ],
    ids=[
        "a limit",
        "a pause",
        "a refusal",
        "a text after white space",
        "arguments that a limit cut off",
        "whole arguments",
        "empty arguments",
        "no arguments",
    ],
)
def test_any_other_stream_is_complete(events: tuple[bytes, ...]) -> None:
    assert read(play(events).all).stopped


@pytest.mark.anyio
@pytest.mark.parametrize("allowed", [True, False])
async def test_the_caller_may_allow_thinking_alone(*, allowed: bool) -> None:
    world = World().script("a/one", stream(*THOUGHT, end(), STOP))

    answer = await MESSAGES.ask(world, "a/one", stream=True, gateway={"allow_reasoning_only": allowed})

    assert MESSAGES.is_complete(answer.events) is allowed
    error = MESSAGES.error_in(answer.events)
    assert (error or {}).get("code") == (None if allowed else "reasoning_only")


@pytest.mark.anyio
async def test_a_held_stream_of_thinking_alone_is_followed_by_the_next_model() -> None:
    world = World().script("a/one", stream(*THOUGHT, end(), STOP)).script("b/two", MESSAGES.streams("Two."))

    answer = await MESSAGES.ask(world, "a/one", "b/two", stream=True, gateway={"on_midstream": "hold"})

    assert MESSAGES.texts_in(answer.events) == "Two."
