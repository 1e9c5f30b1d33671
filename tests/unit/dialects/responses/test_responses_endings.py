"""Tests that an answer ends once and truthfully: held, lost, silent, or without a beginning of its own."""

import pytest

from tests.support.chunks import COST_USD
from tests.support.responses import added, call, created, done, ended, event, message, read, said
from tests.support.upstream import HANG, RESET, Step, stream
from tests.support.world import Answer, World
from tests.unit.dialects.responses.test_responses_streams import GOOD, ask, last

pytestmark = pytest.mark.anyio
DONE_ITEMS = (created(), *said())


async def held(*events: Step, **gateway: object) -> Answer:
    world = World().script("a/one", stream(*events))
    return await ask(world, "a/one", gateway={"on_midstream": "hold", **gateway})


async def test_an_answer_that_was_held_keeps_its_usage_and_cost() -> None:
    answer = await held(*GOOD)

    assert last(answer)["response"]["usage"]["output_tokens"] == 2
    assert answer.receipt["cost_usd"] == COST_USD
    assert "notes" not in answer.receipt or not any("last event" in note for note in answer.receipt["notes"])


async def test_an_answer_that_was_held_and_is_incomplete_stays_incomplete() -> None:
    limit = {"reason": "max_output_tokens"}
    answer = await held(*GOOD[:4], ended("incomplete", message("Two."), incomplete_details=limit))

    end = last(answer)
    assert (end["type"], end["response"]["incomplete_details"]) == ("response.incomplete", limit)


async def test_an_answer_that_was_held_and_stops_in_an_item_is_no_failure_if_the_upstream_ended_it() -> None:
    limit = {"reason": "max_output_tokens"}
    answer = await held(*GOOD[:3], ended("incomplete", message("Two."), incomplete_details=limit))

    assert last(answer)["type"] == "response.incomplete"


async def test_a_held_answer_without_its_last_event_is_completed_once() -> None:
    answer = await held(*DONE_ITEMS)

    assert [each["type"] for each in read(answer.body)].count("response.completed") == 1
    assert last(answer)["response"]["output"] == [message("Hello.")]


TOOLS = [{"type": "function", "name": "read", "parameters": {"type": "object"}}]


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        (said("I will read it.", phase="commentary"), "response.failed"),
        (said("Done.", phase="final_answer"), "response.completed"),
        (said("Done."), "response.completed"),
        ((added(item=call()), done(item=call())), "response.completed"),
    ],
    ids=["a message before a call", "the last message", "a message", "a call"],
)
async def test_an_answer_without_its_last_event_is_not_complete_if_its_last_message_announces_a_call(
    events: tuple[bytes, ...], kind: str
) -> None:
    world = World().script("a/one", stream(created(), *events))

    answer = await ask(world, "a/one", tools=TOOLS)

    assert last(answer)["type"] == kind


LOST: dict[str, tuple[Step, str]] = {
    "the connection is lost": (RESET, "connection_lost"),
    "the model is silent": (HANG, "idle_timeout"),
    "an event is no JSON": (b"data: {garbage}\n\n", "malformed_event"),
}


@pytest.mark.parametrize(("step", "code"), LOST.values(), ids=LOST)
async def test_an_answer_that_may_have_gone_on_is_not_called_complete(step: Step, code: str) -> None:
    world = World().script("a/one", stream(*DONE_ITEMS, step))

    answer = await ask(world, "a/one", gateway={"idle_ms": 1_000})

    end = last(answer)
    assert (end["type"], end["error"]["metadata"]["code"]) == ("response.failed", code)


def ids(answer: Answer) -> set[str]:
    return {each["response"]["id"] for each in read(answer.body) if "response" in each}


async def test_a_beginning_that_the_gateway_writes_has_the_id_that_the_upstream_states_first() -> None:
    begun = created().replace(b"response.created", b"response.in_progress")
    world = World().script("a/one", stream(begun, *GOOD[1:]))

    answer = await ask(world, "a/one")

    assert (read(answer.body)[0]["type"], ids(answer)) == ("response.created", {"gen-1"})


async def test_an_answer_whose_id_comes_last_keeps_the_one_that_it_began_with() -> None:
    world = World().script("a/one", stream(*GOOD[1:]))

    answer = await ask(world, "a/one")

    assert len(ids(answer)) == 1


async def test_an_answer_has_one_id_whatever_its_last_event_says() -> None:
    world = World().script("a/one", stream(*GOOD[:4], ended("completed", message("Two."), id="gen-other")))

    answer = await ask(world, "a/one")

    assert ids(answer) == {"gen-1"}


@pytest.mark.parametrize(
    "fields",
    [{"status": "failed"}, {"error": {"code": "server_error", "message": "x"}}],
    ids=["a failed status", "an error"],
)
async def test_a_completed_event_with_a_failed_response_is_no_answer(fields: dict[str, object]) -> None:
    response = {"id": "gen-1", "object": "response", "status": "completed", "output": [message("x")]}
    broken = event("response.completed", response={**response, **fields})
    world = World().script("a/one", stream(created(), broken)).script("b/two", stream(*GOOD))

    answer = await ask(world, "a/one", "b/two")

    assert answer.receipt["served"] == "b/two"


async def test_a_last_event_with_another_status_gets_that_of_its_name() -> None:
    world = World().script("a/one", stream(*GOOD[:4], ended("completed", call(), status="in_progress")))

    answer = await ask(world, "a/one")

    assert last(answer)["response"]["status"] == "completed"
