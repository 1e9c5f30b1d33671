import pytest

from tests.support.chunks import DONE, chunk, event, text, text_in
from tests.support.takeovers import HALF, MODELS, ask, errors, seams, taking_over, world_of
from tests.support.upstream import HANG, RESET, Step, fail, healthy_stream, stream
from tests.support.world import PROMPT

pytestmark = pytest.mark.anyio
BREAKS: list[tuple[str, tuple[Step, ...], str]] = [
    ("reset", (RESET,), "connection_lost"),
    ("no finish reason", (DONE,), "no_finish_reason"),
    ("error", (event({"error": {"code": 503, "message": "x"}}),), "overloaded"),
    ("stall", (HANG,), "idle_timeout"),
    ("garbage", (b"data: garbage\n\n",), "malformed_event"),
]
breaks = pytest.mark.parametrize(("steps", "code"), [pytest.param(*row, id=name) for name, *row in BREAKS])


@breaks
async def test_a_restart_marks_the_seam_and_another_model_starts_over(
    steps: tuple[Step, ...], code: str
) -> None:
    got, world = await ask("restart", stream(text("Half "), *steps), healthy_stream("Whole."), idle_ms=9_000)

    (seam,) = seams(got)
    event = got.events[seam]
    assert event["gateway"] == {"event": "restart", "code": code, "model": "b/two"}
    assert (event["object"], event["choices"]) == ("chat.completion.chunk", [])
    assert text_in(got.events[:seam]) == "Half "
    assert text_in(got.events[seam:]) == "Whole."
    assert got.events[-1] == "[DONE]"
    assert errors(got) == []
    assert world.upstream.received[1].body["messages"] == [{"role": "user", "content": PROMPT}]


@breaks
async def test_another_model_goes_on_from_the_text_so_far(steps: tuple[Step, ...], code: str) -> None:
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


async def test_the_third_goes_on_from_the_text_of_both() -> None:
    got, world = await ask(
        "continue", HALF, stream(text("an "), RESET), healthy_stream("answer."), fields={"seed": 1}
    )

    assert text_in(got.events) == "Half an answer."
    assert world.upstream.received[2].body["messages"][1:] == [{"role": "assistant", "content": "Half an "}]
    assert world.upstream.received[2].body["seed"] == 1


TOOL = {"type": "function", "function": {"name": "f"}}
NOT_TEXT = [{"tools": [TOOL]}, {"response_format": {"type": "json_object"}}, {"n": 2}]


@pytest.mark.parametrize("fields", NOT_TEXT, ids=["tools", "json", "n"])
async def test_what_is_not_text_alone_never_goes_on(fields: dict[str, object]) -> None:
    got, world = await ask("continue", HALF, healthy_stream(), fields=fields)

    assert world.upstream.models == ["a/one"]
    assert [each["code"] for each in errors(got)] == ["connection_lost"]


@pytest.mark.parametrize("fields", NOT_TEXT, ids=["tools", "json", "n"])
async def test_anything_may_start_over(fields: dict[str, object]) -> None:
    got, _ = await ask("restart", HALF, healthy_stream("Whole."), fields=fields)

    assert got.receipt["served"] == "b/two"


@pytest.mark.parametrize(
    "delta",
    [{"reasoning": "Hm"}, {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f"}}]}],
    ids=["reasoning", "a tool call"],
)
async def test_without_a_text_there_is_nothing_to_go_on_from(delta: dict[str, object]) -> None:
    got, world = await ask("continue", stream(chunk(delta), RESET), healthy_stream())

    assert world.upstream.models == ["a/one"]
    assert [each["code"] for each in errors(got)] == ["connection_lost"]


async def test_by_default_a_break_ends_the_answer() -> None:
    world = world_of(HALF)

    got = await world.ask(*MODELS, stream=True)

    assert world.upstream.models == ["a/one"]
    assert len(errors(got)) == 1


@taking_over
async def test_models_that_have_been_asked_are_not_asked_again(how: str) -> None:
    got, world = await ask(how, fail(404), HALF, healthy_stream("."))

    assert world.upstream.models == MODELS
    assert got.receipt["served"] == "c/three"
