"""``on_midstream: "continue"``: repeats are dropped, and a refused prefill becomes an instruction."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.dialects.continuation import GO_ON
from gateway.dialects.overlap import LEAST_OVERLAP
from tests.support.chunks import COST_USD, DONE, ROLE, STOP, USAGE, chunk, event, text, text_in
from tests.support.takeovers import HALF, MODELS, ask, errors, world_of
from tests.support.upstream import HANG, RESET, Act, Step, fail, healthy_stream, stream
from tests.support.world import PROMPT, World, now_s

pytestmark = pytest.mark.anyio
SO_FAR = "Canberra is the capital"
REST = " of Australia."
CUT = stream(ROLE, text(SO_FAR), RESET)
REFUSAL = "This model does not support assistant message prefill."
QUESTION = {"role": "user", "content": PROMPT}
BEGINNING = {"role": "assistant", "content": SO_FAR}


def refuse(status: int = 400, message: str = REFUSAL, **metadata: object) -> Act:
    error: dict[str, object] = {"code": status, "message": message}
    return stream(event({"error": error | ({"metadata": metadata} if metadata else {})}))


def spelled(content: str) -> Act:
    return stream(ROLE, *(chunk({"content": letter}) for letter in content), STOP, USAGE, DONE)


def asked(world: World, call: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = world.upstream.received[call].body["messages"]
    return messages


@pytest.mark.parametrize("says", [healthy_stream, spelled])
@pytest.mark.parametrize("repeat", [0, LEAST_OVERLAP, 11, len(SO_FAR)])
async def test_what_the_next_model_repeats_is_dropped(says: Callable[[str], Act], repeat: int) -> None:
    got, _ = await ask("continue", CUT, says(SO_FAR[len(SO_FAR) - repeat :] + REST))

    assert text_in(got.events) == SO_FAR + REST
    assert got.body.endswith(DONE)
    assert got.receipt["attempts"][1]["resumes"] == "continue"
    assert errors(got) == []


async def test_a_short_match_is_not_dropped() -> None:
    got, _ = await ask("continue", stream(text("It is so "), RESET), spelled("so good."))

    assert text_in(got.events) == "It is so so good."


async def test_the_third_model_may_repeat_the_text_of_both() -> None:
    second = stream(text("the capital of"), RESET)

    got, world = await ask("continue", CUT, second, healthy_stream(SO_FAR + REST))

    assert text_in(got.events) == SO_FAR + REST
    assert asked(world, 2) == [QUESTION, {"role": "assistant", "content": SO_FAR + " of"}]


async def test_the_role_is_sent_once() -> None:
    got, _ = await ask("continue", stream(ROLE, chunk({"content": "Half "}), RESET), spelled("an answer."))

    roles = [choice["delta"].get("role") for each in got.events[:-1] for choice in each["choices"]]
    assert [role for role in roles if role] == ["assistant"]
    assert text_in(got.events) == "Half an answer."


async def test_reasoning_passes_while_text_is_held() -> None:
    thinks = chunk({"reasoning": "Where was I?"})
    late = chunk({"reasoning": "Go on."})

    got, _ = await ask(
        "continue", CUT, stream(thinks, 1.0, text("the cap"), late, 1.0, text("ital" + REST), STOP, DONE)
    )

    sent = [choice["delta"] for each in got.events[:-1] for choice in each["choices"]]
    assert [delta["reasoning"] for delta in sent if "reasoning" in delta] == ["Where was I?", "Go on."]
    assert text_in(got.events) == SO_FAR + REST
    assert [at_s for at_s, piece in got.pieces if b"Go on." in piece] == [1.0]


async def test_a_chunk_of_which_nothing_is_left_is_not_sent_but_is_progress() -> None:
    slow: list[Step] = [step for letter in SO_FAR for step in (chunk({"content": letter}), 4.0)]

    got, _ = await ask("continue", CUT, stream(*slow, text(REST), STOP, DONE), idle_ms=5_000)

    assert text_in(got.events) == SO_FAR + REST
    assert now_s() == pytest.approx(4.0 * len(SO_FAR))
    assert {at_s for at_s, _ in got.pieces} == {0.0, now_s()}


@pytest.mark.parametrize(
    "finish",
    [STOP, chunk({}, finish="length"), chunk({"content": "tal"}, finish="stop")],
    ids=["stop", "length", "with text"],
)
async def test_held_text_is_sent_before_the_finish_reason(finish: bytes) -> None:
    got, _ = await ask("continue", CUT, stream(text("the capi"), finish, USAGE, DONE))

    ends = [bool(choice["finish_reason"]) for each in got.events[:-1] for choice in each["choices"]]
    texts = [choice["delta"].get("content") for each in got.events[:-1] for choice in each["choices"]]
    left = "" if b"tal" in finish else "the capi"
    assert text_in(got.events) == SO_FAR + left
    assert [said for said, ended in zip(texts, ends, strict=True) if ended] in ([""], [None])
    assert got.receipt["cost_usd"] == COST_USD


CALL = {
    "tool_calls": [{"index": 0, "id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
}


@pytest.mark.parametrize(
    "delta", [CALL, {"refusal": "No."}, {"images": [{"url": "x"}]}, {**CALL, "content": "x"}], ids=repr
)
async def test_held_text_is_sent_before_other_content(delta: dict[str, object]) -> None:
    got, _ = await ask("continue", CUT, stream(text("the capi"), chunk(delta), STOP, DONE))

    deltas = [choice["delta"] for each in got.events[:-1] for choice in each["choices"]]
    [place] = [at for at, each in enumerate(deltas) if set(each) & {"tool_calls", "refusal", "images"}]
    before = "".join(each.get("content") or "" for each in deltas[:place])
    assert before == SO_FAR + "the capi" + str(delta.get("content", ""))
    assert text_in(got.events) == before


async def test_text_that_is_held_when_the_stream_is_cut_off_is_neither_sent_nor_continued() -> None:
    got, world = await ask("continue", CUT, stream(text("the capi"), RESET), healthy_stream(REST))

    assert text_in(got.events) == SO_FAR + REST
    assert asked(world, 2) == [QUESTION, BEGINNING]


async def test_log_probabilities_of_dropped_text_are_dropped() -> None:
    choice = {"index": 0, "delta": {"content": "the capital of"}, "logprobs": {"content": [{"token": "the"}]}}

    got, _ = await ask("continue", CUT, stream(event({"choices": [choice]}), STOP, DONE))

    assert text_in(got.events) == SO_FAR + " of"
    assert b"token" not in got.body


async def test_a_chunk_that_json_cannot_represent_loses_no_text() -> None:
    odd = text("the capital of").replace(b'"created":1795338000', b'"created":1e999')

    got, world = await ask("continue", CUT, stream(odd, text(" Australia."), STOP, DONE))

    assert text_in(got.events) == SO_FAR + REST
    assert world.events("internal_error") == []


REFUSALS = {
    "with its status": fail(400, REFUSAL),
    "in the stream": refuse(),
    "by its name": refuse(400, REFUSAL, provider_name="Anthropic", raw="{}"),
    "unprocessable": fail(422, REFUSAL),
    "as an invalid request": fail(400, "Input required: specify messages"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_a_model_that_refuses_a_prefill_is_asked_with_an_instruction(refusal: Act) -> None:
    world = world_of(CUT).script("b/two", refusal, healthy_stream(SO_FAR + REST))

    got = await world.ask(*MODELS, stream=True, gateway={"on_midstream": "continue", "retries": 0})

    assert text_in(got.events) == SO_FAR + REST
    assert world.upstream.models == ["a/one", "b/two", "b/two"]
    assert asked(world, 1) == [QUESTION, BEGINNING]
    assert asked(world, 2) == [QUESTION, BEGINNING, {"role": "user", "content": GO_ON}]
    first, second, third = got.receipt["attempts"]
    assert (second["outcome"], second["billed"], third["outcome"]) == ("failed", "no", "answered")
    assert (second["number"], third["number"], third["resumes"]) == (1, 2, "continue")
    assert first["outcome"] == "cut_off"


async def test_a_model_that_refuses_both_forms_is_not_asked_a_third_time() -> None:
    got, world = await ask("continue", CUT, fail(400, REFUSAL), healthy_stream(REST))

    assert world.upstream.models == ["a/one", "b/two", "b/two", "c/three"]
    assert asked(world, 3) == [QUESTION, BEGINNING]
    assert text_in(got.events) == SO_FAR + REST


@pytest.mark.parametrize("second", [fail(404), fail(503), fail(429)], ids=["404", "503", "429"])
async def test_other_faults_change_no_form(second: Act) -> None:
    _, world = await ask("continue", CUT, second, healthy_stream(REST))

    assert world.upstream.models == MODELS
    assert GO_ON not in str([each.body for each in world.upstream.received])


async def test_a_refusal_without_a_prefill_is_final() -> None:
    world = world_of(fail(400, REFUSAL), healthy_stream())

    await world.ask(*MODELS[:2], stream=True, gateway={"on_midstream": "continue"})

    assert world.upstream.models == MODELS[:2]


async def test_max_attempts_holds_for_the_other_form() -> None:
    world = World({"MAX_ATTEMPTS": "2"}).script("a/one", CUT).script("b/two", fail(400, REFUSAL))

    got = await world.ask("a/one", "b/two", stream=True, gateway={"on_midstream": "continue"})

    assert world.upstream.models == ["a/one", "b/two"]
    assert [each["code"] for each in errors(got)] == ["connection_lost"]


async def test_a_short_text_that_is_started_over_is_not_doubled() -> None:
    got, _ = await ask("continue", HALF, healthy_stream("Half complete."))

    assert text_in(got.events) == "Half complete."


@pytest.mark.parametrize("events", ["2", "3", "4", "40"])
async def test_held_text_is_not_lost_at_a_hand_over(events: str) -> None:
    world = World({"STREAM_GUARD_EVENTS": events}).script("a/one", stream(text("Hell"), RESET))
    world.script("b/two", spelled("Hello, hello, hello."))

    got = await world.ask("a/one", "b/two", stream=True, gateway={"on_midstream": "continue"})

    assert text_in(got.events) == "Hello, hello, hello."


async def test_a_client_gets_nothing_while_the_text_is_undecided() -> None:
    got, _ = await ask("continue", CUT, stream(text("the cap"), HANG), idle_ms=9_000)

    assert text_in(got.events) == SO_FAR
    assert [each["code"] for each in errors(got)] == ["idle_timeout"]
    assert got.codes == ["connection_lost", "idle_timeout"]
