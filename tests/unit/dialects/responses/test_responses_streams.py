"""Tests what a client of Responses gets of a stream: when it commits, how it ends, and what is mended."""

import json
from typing import Any

import pytest

from tests.support.chunks import COST_USD
from tests.support.responses import added, call, created, delta, done, ended, event, message, part, read, said
from tests.support.upstream import HANG, stream
from tests.support.world import TOKEN, Answer, World, finish

pytestmark = pytest.mark.anyio
GOOD = (created(), added(), delta("Two."), done(0, message("Two.")), ended("completed", message("Two.")))


async def ask(world: World, *models: str, **given: object) -> Answer:
    body: dict[str, object] = {"input": "Hi", "models": list(models), "stream": True, **given}
    headers = {"authorization": f"Bearer {TOKEN}"}
    return await finish(await world.begin(body, path="/v1/responses", headers=headers))


def last(answer: Answer) -> dict[str, Any]:
    return read(answer.body)[-1]


# What an upstream sends that says nothing, so that the next model is asked.
SAYS_NOTHING = {
    "only the beginning": (created(), added()),
    "an empty delta": (created(), added(), delta("")),
    "white space": (created(), added(), delta(" \n")),
    "an end without an answer": (created(), ended()),
    "an end with an empty message": (created(), ended("completed", message(" "))),
    "a response that failed": (created(), ended("failed", error={"code": "server_error", "message": "x"})),
    "a response that failed without a reason": (created(), ended("failed")),
    "a flat error event": (created(), event("error", code="server_error", message="x", param=None)),
    "a nested error event": (created(), event("error", error={"code": 502, "message": "x"})),
    "an error in chat's form": (created(), b'data: {"error": {"code": 502, "message": "x"}}\n\n'),
    "a delta for no item": (created(), delta()),
    "an item that is added twice": (created(), added(), added()),
    "filtered before it said anything": (
        created(),
        ended("incomplete", incomplete_details={"reason": "content_filter"}),
    ),
}


@pytest.mark.parametrize("case", SAYS_NOTHING)
async def test_a_stream_that_says_nothing_is_followed_by_the_next_model(case: str) -> None:
    world = World().script("a/one", stream(*SAYS_NOTHING[case])).script("b/two", stream(*GOOD))

    answer = await ask(world, "a/one", "b/two", gateway={"retries": 0})

    assert last(answer)["response"]["output"] == [message("Two.")]
    assert answer.receipt["served"] == "b/two"


# The event at which a stream commits.
COMMITS = {
    "text": (created(), added(), delta()),
    "a refusal": (created(), added(), delta("No.", kind="refusal")),
    "reasoning": (created(), added(0, {"type": "reasoning"}), delta("Hm", kind="reasoning_text")),
    "a summary": (created(), added(0, {"type": "reasoning"}), delta("Hm", kind="reasoning_summary_text")),
    "a call": (created(), added(0, call(arguments=""))),
    "a custom call": (created(), added(0, {"type": "custom_tool_call"})),
    "a hosted tool": (created(), added(0, {"type": "web_search_call"})),
    "an item that is done": (created(), done(0, message("Hello."))),
    "a limit": (created(), ended("incomplete", incomplete_details={"reason": "max_output_tokens"})),
    "an end with an answer": (created(), ended("completed", message("Hello."))),
}


@pytest.mark.parametrize("case", COMMITS)
async def test_a_stream_commits_at_its_first_progress(case: str) -> None:
    world = World().script("a/one", stream(*COMMITS[case], HANG))

    answer = await ask(world, "a/one", "b/two", gateway={"idle_ms": 1000})

    assert read(answer.body)[0]["type"] == "response.created"
    assert world.upstream.models == ["a/one"]


async def test_a_stream_without_its_last_event_is_completed_if_every_item_is_done() -> None:
    world = World().script("a/one", stream(created(), *said(), added(1, call()), done(1, call())))

    answer = await ask(world, "a/one")

    end = last(answer)
    assert end["type"] == "response.completed"
    assert end["response"]["status"] == "completed"
    assert end["response"]["output"] == [message("Hello."), call()]
    assert end["response"]["usage"] is None
    assert any("last event" in note for note in answer.receipt["notes"])


@pytest.mark.parametrize(
    "events",
    [
        (created(), added(), delta()),
        (created(), *said(), added(1, call(arguments=""))),
        (
            created(),
            added(0, {"type": "reasoning"}),
            done(0, {"type": "reasoning", "encrypted_content": "x"}),
        ),
        (created(), added(), delta(), done()),
        (created(), added(), part(), delta(), done()),
        (created(), added(), part(), part(), delta(), part("done"), done()),
        (created(), added(), part(), delta(), part("done"), delta("more"), done()),
        (created(), added(), part(place=1), delta(), part("done", place=1), done()),
        (created(), added(), part(place=None), delta(), part("done", place=None), done()),
        (
            created(),
            added(0, {"type": "reasoning"}),
            delta("Hm", kind="reasoning_summary_text"),
            done(0, {"type": "reasoning"}),
            *said(index=1),
        ),
        (created(), *said(), done(2, call())),
        (created(), added(0, call()), *said(index=1)[:4], done(0), done(1)),
        (created(), *said()[:4], done(0, {**message("Hel"), "status": "incomplete"})),
        (created(), *said()[:4], done(0, message(" "))),
        (created(), added(0, call()), done(0, call(arguments='{"path": "a'))),
        (created(), added(0, call()), done(0, call(arguments=""))),
        (created(), added(0, call()), done(0, call(arguments="[1]"))),
        (created(), added(0, call()), done(0, call(arguments="```json\n{}\n```"))),
        (created(), added(0, call()), done(0, call(arguments='{"pa')), *said(index=1)),
        (created(), *said(), added(1, {"type": "web_search_call"}), done(1, {"type": "web_search_call"})),
    ],
    ids=[
        "an open message",
        "an open call",
        "only reasoning",
        "text of no part",
        "an open part",
        "a part added twice",
        "text after its part",
        "text of another part",
        "a part without a place",
        "a summary of no part",
        "an item is missing",
        "an item of another type",
        "a message that says it is cut off",
        "a message without a text",
        "arguments that are cut off",
        "no arguments",
        "arguments that are no object",
        "arguments in a fence",
        "cut arguments before a message",
        "a search without an answer",
    ],
)
async def test_any_other_stream_without_its_last_event_ends_in_a_failure(events: tuple[bytes, ...]) -> None:
    world = World().script("a/one", stream(*events))

    answer = await ask(world, "a/one")

    end = last(answer)
    assert end["type"] == "response.failed"
    assert end["response"]["status"] == "failed"
    assert end["response"]["error"]["code"] == "server_error"
    assert end["response"]["error"]["message"] == end["error"]["message"]
    assert end["error"]["metadata"]["partial"] is True


# Streams that the upstream ends well, although their parts or arguments are not in order.
@pytest.mark.parametrize(
    "events",
    [
        (added(), delta(), done()),
        (added(), part(), delta(), done()),
        (added(0, call()), done(0, call(arguments='{"path": "a'))),
    ],
    ids=["text of no part", "an open part", "arguments that are cut off"],
)
async def test_a_stream_that_the_upstream_completes_is_complete(events: tuple[bytes, ...]) -> None:
    end = ended("completed", message("Hello."))
    world = World().script("a/one", stream(created(), *events, end))

    assert last(await ask(world, "a/one"))["type"] == "response.completed"


async def test_numbers_rise_by_one_whatever_the_upstream_writes() -> None:
    events = [created(), event("response.in_progress", sequence_number=7, response={}), *GOOD[1:]]
    world = World().script("a/one", stream(*events))

    answer = await ask(world, "a/one")

    assert [each["sequence_number"] for each in read(answer.body)] == [0, 1, 2, 3, 4, 5]


async def test_events_that_need_no_change_pass_byte_for_byte() -> None:
    odd = (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta", "delta" : "\\u00e9",'
    )
    odd += b'"output_index":0, "sequence_number":2}\n\n'
    first = created().replace(b'"type"', b'"sequence_number": 0, "type"', 1)
    second = added().replace(b'"type"', b'"sequence_number": 1, "type"', 1)
    world = World().script("a/one", stream(first, second, odd, *GOOD[3:]))

    answer = await ask(world, "a/one")

    assert first + second + odd in answer.body


async def test_an_answer_without_a_beginning_gets_one() -> None:
    world = World().script("a/one", stream(added(), *GOOD[2:]))

    answer = await ask(world, "a/one")

    assert read(answer.body)[0]["response"]["status"] == "in_progress"


async def test_an_end_without_its_output_gets_the_items() -> None:
    world = World().script("a/one", stream(*GOOD[:4], ended()))

    answer = await ask(world, "a/one")

    assert last(answer)["response"]["output"] == [message("Two.")]


async def test_the_receipt_and_the_cost_are_in_the_last_response_only() -> None:
    world = World().script("a/one", stream(*GOOD))

    answer = await ask(world, "a/one")

    holders = [each for each in read(answer.body) if "gateway" in each.get("response", {})]
    assert [each["type"] for each in holders] == ["response.completed"]
    assert answer.receipt["cost_usd"] == COST_USD


async def test_a_requested_name_is_shown_in_every_response() -> None:
    world = World().script("a/one", stream(*GOOD))

    answer = await ask(world, "a/one", gateway={"show_model": "requested"})

    names = {each["response"]["model"] for each in read(answer.body) if "response" in each}
    assert names == {"a/one"}


@pytest.mark.parametrize("mode", ["continue", "restart"])
async def test_a_mode_that_does_not_fit_becomes_an_error_and_the_receipt_says_so(mode: str) -> None:
    world = World().script("a/one", stream(*GOOD[:3])).script("b/two", stream(*GOOD))

    answer = await ask(world, "a/one", "b/two", gateway={"on_midstream": mode})

    assert last(answer)["type"] == "response.failed"
    assert any("on_midstream is error" in note for note in answer.receipt["notes"])


async def test_a_filtered_answer_is_handed_over_if_no_other_model_answers() -> None:
    filtered = ended("incomplete", incomplete_details={"reason": "content_filter"})
    world = World().script("a/one", stream(created(), filtered))

    answer = await ask(world, "a/one")

    assert last(answer)["response"]["incomplete_details"] == {"reason": "content_filter"}


async def test_a_long_text_arrives_whole() -> None:
    text = "word " * 400_000
    world = World().script(
        "a/one",
        stream(created(), added(), delta(text), done(0, message(text)), ended("completed", message(text))),
    )

    answer = await ask(world, "a/one")

    assert last(answer)["response"]["output"][0]["content"][0]["text"] == text
    assert json.dumps(text) in answer.body.decode()
