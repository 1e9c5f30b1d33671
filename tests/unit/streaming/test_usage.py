"""The usage of a stream: what each chunk says is kept, and the receipt comes once, at the end."""

from typing import Any

import pytest

from tests.support.chunks import COST_USD, DONE, STOP, USAGE, chunk, event, text, text_in
from tests.support.upstream import RESET, Step, stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
BASE = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1_795_338_000, "model": "served/one"}


def count(completion: int) -> dict[str, Any]:
    return {"prompt_tokens": 11, "completion_tokens": completion, "total_tokens": 11 + completion}


async def relay(*steps: Step, include: bool = False) -> Answer:
    world = World().script("a/one", stream(*steps))
    options = {"stream_options": {"include_usage": True}} if include else {}
    return await world.ask("a/one", stream=True, gateway={"retries": 0}, **options)


def receipts_of(got: Answer) -> list[int]:
    """Return the places of the events that have a receipt."""
    return [place for place, each in enumerate(got.events) if each != "[DONE]" and "gateway" in each]


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("last", [None, {"choices": []}], ids=["on the finish", "in a chunk of its own"])
async def test_a_running_count_has_one_receipt_at_the_end(include: bool, last: dict[str, Any] | None) -> None:
    sent = [
        chunk({"role": "assistant", "content": ""}, usage=count(0)),
        *[chunk({"content": word}, usage=count(place + 1)) for place, word in enumerate("abc")],
        chunk(finish="stop", usage={**count(3), "cost": COST_USD}),
    ]
    if last:
        sent.append(event({**BASE, **last, "usage": {**count(3), "cost": COST_USD}}))

    got = await relay(*sent, DONE, include=include)

    assert receipts_of(got) == [len(got.events) - 2]
    assert got.receipt["cost_usd"] == COST_USD
    assert text_in(got.events) == "abc"
    first: Any = got.events[0]["choices"][0]
    assert first["delta"] == {"role": "assistant", "content": ""}


@pytest.mark.parametrize("include", [False, True])
async def test_a_count_that_only_came_before_the_finish_is_repeated_with_the_receipt(include: bool) -> None:
    got = await relay(
        chunk({"content": "Hi"}, usage={**count(1), "cost": COST_USD}), STOP, DONE, include=include
    )

    last = got.events[-2]
    assert (last["usage"]["completion_tokens"], last["gateway"]["cost_usd"]) == (1, COST_USD)
    assert last["choices"] == ([] if include else [{"index": 0, "delta": {}, "finish_reason": None}])
    assert receipts_of(got) == [len(got.events) - 2]


async def test_the_receipt_is_sent_although_done_is_missing() -> None:
    got = await relay(text("Hi"), STOP, USAGE)

    assert got.events[-1] == "[DONE]"
    assert receipts_of(got) == [len(got.events) - 2]


async def test_a_usage_before_a_cut_is_passed_on_without_a_receipt_of_its_own() -> None:
    got = await relay(text("Hi"), STOP, USAGE, text("more"), RESET)

    assert receipts_of(got) == []
    assert got.events[2]["usage"]["completion_tokens"] == 2
    assert got.events[-1]["error"]["metadata"]["gateway"]["cost_usd"] == COST_USD


SAID = {
    "a role": {"role": "assistant", "content": ""},
    "a signature": {"content": "", "signature": "c2ln"},
    "reasoning details": {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
    "annotations": {"annotations": [{"type": "url_citation"}]},
}


@pytest.mark.parametrize("delta", SAID.values(), ids=SAID.keys())
@pytest.mark.parametrize("include", [False, True])
async def test_what_a_choice_says_beside_a_running_count_is_kept(
    delta: dict[str, Any], include: bool
) -> None:
    got = await relay(text("a"), chunk(delta, usage=count(1)), STOP, USAGE, DONE, include=include)

    assert got.events[1]["choices"][0]["delta"] == delta


async def test_log_probabilities_beside_a_running_count_are_kept() -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": None, "logprobs": {"content": [{"token": "a"}]}}

    got = await relay(text("a"), chunk(choices=[choice], usage=count(1)), STOP, DONE, include=True)

    assert got.events[1]["choices"][0]["logprobs"] == choice["logprobs"]


@pytest.mark.parametrize("fields", [{"choices": None}, {}, {"choices": []}], ids=["null", "missing", "empty"])
@pytest.mark.parametrize("include", [False, True])
async def test_a_usage_chunk_without_choices_has_a_list_of_them(
    fields: dict[str, Any], include: bool
) -> None:
    usage = event({**BASE, **fields, "usage": {**count(2), "cost": COST_USD}})

    got = await relay(text("Hi"), STOP, usage, DONE, include=include)

    empty = {"index": 0, "delta": {}, "finish_reason": None}
    assert got.events[-2]["choices"] == ([] if include else [empty])
    assert receipts_of(got) == [2]


@pytest.mark.parametrize(
    "fields", [{"choices": None}, {}, {"choices": [None]}], ids=["null", "missing", "of null"]
)
async def test_every_chunk_has_a_list_of_choices_with_deltas(fields: dict[str, Any]) -> None:
    no_delta = {**BASE, "choices": [{"index": 0, "finish_reason": None}]}

    got = await relay(text("He"), event({**BASE, **fields}), event(no_delta), text("llo"), STOP, DONE)

    assert text_in(got.events) == "Hello"
    for each in got.events[:-1]:
        assert all(isinstance(choice["delta"], dict) for choice in each["choices"])


UNSAID = [
    ({}, {}),
    ({"cost": None}, {}),
    ({"cost": 0}, {"cost": 0}),
    ({"prompt_tokens_details": None}, {}),
    (
        {"completion_tokens_details": {"reasoning_tokens": 4.0}},
        {"completion_tokens_details": {"reasoning_tokens": 4}},
    ),
]


@pytest.mark.parametrize(("said", "shown"), UNSAID, ids=repr)
async def test_a_cost_and_details_that_nobody_said_are_left_out(said: Any, shown: Any) -> None:  # noqa: ANN401  # JSON
    usage = event({**BASE, "choices": [], "usage": {**count(2), **said}})

    got = await relay(text("Hi"), STOP, usage, DONE)

    assert got.events[-2]["usage"] == {**count(2), **shown}


@pytest.mark.parametrize("value", ["11", 11.0, "11.0", 11.4], ids=repr)
async def test_counts_become_whole_numbers(value: Any) -> None:  # noqa: ANN401  # JSON
    usage = event({**BASE, "choices": [], "usage": {**count(2), "prompt_tokens": value}})

    got = await relay(text("Hi"), STOP, usage, DONE)

    assert repr(got.events[-2]["usage"]["prompt_tokens"]) == "11"


@pytest.mark.parametrize("created", [1_764_300_000.4821, "1764300000", "1764300000.9"])
async def test_a_time_becomes_a_whole_number(created: Any) -> None:  # noqa: ANN401  # JSON
    got = await relay(chunk({"content": "Hi"}, created=created), chunk(finish="stop", created=created), DONE)

    assert [each["created"] for each in got.events[:-1]] == [1_764_300_000] * 2


@pytest.mark.parametrize("created", ["soon", 0, None, "", [], True], ids=repr)
async def test_a_time_that_is_none_is_replaced(created: Any) -> None:  # noqa: ANN401  # JSON
    got = await relay(chunk({"content": "Hi"}, created=created), chunk(finish="stop", created=created), DONE)

    assert all(type(each["created"]) is int and each["created"] > 10**9 for each in got.events[:-1])
