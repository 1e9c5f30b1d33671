import pytest

from tests.support.chunks import DONE, chunk, event, text, text_in
from tests.support.takeovers import HALF, MODELS, ask, errors, seams, taking_over, world_of
from tests.support.upstream import HANG, RESET, Step, fail, healthy_stream, stream
from tests.support.world import PROMPT

pytestmark = pytest.mark.anyio
CUTS: list[tuple[str, tuple[Step, ...], str]] = [
    ("reset", (RESET,), "connection_lost"),
    ("no finish reason", (DONE,), "no_finish_reason"),
    ("error", (event({"error": {"code": 503, "message": "x"}}),), "overloaded"),
    ("stall", (HANG,), "idle_timeout"),
    ("garbage", (b"data: {garbage}\n\n",), "malformed_event"),
]
cut_off = pytest.mark.parametrize(("steps", "code"), [pytest.param(*row, id=name) for name, *row in CUTS])


@cut_off
async def test_a_restart_event_is_sent_and_another_model_starts_over(
    steps: tuple[Step, ...], code: str
) -> None:
    got, world = await ask(
        "restart", stream(text("Half "), *steps), healthy_stream("Complete."), idle_ms=9_000
    )

    (restart_at,) = seams(got)
    event = got.events[restart_at]
    assert event["gateway"] == {"event": "restart", "code": code, "model": "b/two"}
    assert (event["object"], event["choices"]) == ("chat.completion.chunk", [])
    assert text_in(got.events[:restart_at]) == "Half "
    assert text_in(got.events[restart_at:]) == "Complete."
    assert got.events[-1] == "[DONE]"
    assert errors(got) == []
    assert world.upstream.received[1].body["messages"] == [{"role": "user", "content": PROMPT}]


@cut_off
async def test_another_model_continues_the_text_so_far(steps: tuple[Step, ...], code: str) -> None:
    got, world = await ask(
        "continue", stream(text("Half "), text("an "), *steps), healthy_stream("answer."), idle_ms=9_000
    )

    assert code in got.codes
    assert text_in(got.events) == "Half an answer."
    assert world.upstream.received[1].body["messages"] == [
        {"role": "user", "content": PROMPT},
        {"role": "assistant", "content": "Half an "},
    ]
    assert (seams(got), errors(got)) == ([], [])
    assert got.body.endswith(DONE)


async def test_the_third_model_continues_the_text_of_both() -> None:
    got, world = await ask(
        "continue", HALF, stream(text("an "), RESET), healthy_stream("answer."), fields={"seed": 1}
    )

    assert text_in(got.events) == "Half an answer."
    assert world.upstream.received[2].body["messages"][1:] == [{"role": "assistant", "content": "Half an "}]
    assert world.upstream.received[2].body["seed"] == 1


@pytest.mark.parametrize("policy", ["restart", "continue"])
async def test_no_model_takes_over_after_a_code_of_stop_on(policy: str) -> None:
    got, world = await ask(policy, HALF, healthy_stream("Complete."), stop_on=["connection_lost"])

    assert len(world.upstream.received) == 1
    assert [each["code"] for each in errors(got)] == ["connection_lost"]


TOOL = {"type": "function", "function": {"name": "f"}}
NOT_TEXT = [{"tools": [TOOL]}, {"response_format": {"type": "json_object"}}, {"n": 2}]


@pytest.mark.parametrize("fields", NOT_TEXT, ids=["tools", "json", "n"])
async def test_an_answer_that_is_not_only_text_is_never_continued(fields: dict[str, object]) -> None:
    got, world = await ask("continue", HALF, healthy_stream(), fields=fields)

    assert world.upstream.models == ["a/one"]
    assert [each["code"] for each in errors(got)] == ["connection_lost"]


@pytest.mark.parametrize("fields", NOT_TEXT, ids=["tools", "json", "n"])
async def test_any_answer_may_start_over(fields: dict[str, object]) -> None:
    got, _ = await ask("restart", HALF, healthy_stream("Complete."), fields=fields)

    assert got.receipt["served"] == "b/two"


@pytest.mark.parametrize(
    "delta",
    [{"reasoning": "Hm"}, {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f"}}]}],
    ids=["reasoning", "a tool call"],
)
async def test_an_answer_without_text_is_not_continued(delta: dict[str, object]) -> None:
    got, world = await ask("continue", stream(chunk(delta), RESET), healthy_stream())

    assert world.upstream.models == ["a/one"]
    assert [each["code"] for each in errors(got)] == ["connection_lost"]


async def test_by_default_a_stream_that_is_cut_off_ends_the_answer() -> None:
    world = world_of(HALF)

    got = await world.ask(*MODELS, stream=True)

    assert world.upstream.models == ["a/one"]
    assert len(errors(got)) == 1


@taking_over
async def test_models_that_have_been_asked_are_not_asked_again(how: str) -> None:
    got, world = await ask(how, fail(404), HALF, healthy_stream("."))

    assert world.upstream.models == MODELS
    assert got.receipt["served"] == "c/three"
