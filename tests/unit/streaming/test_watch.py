"""``gateway.watch``: a plain answer is requested as a stream, so its limits hold, and a cut falls back."""

import asyncio
import json

import pytest

from gateway.dialects.chat.parse import parse
from gateway.http.long_strings import LONG_BYTES
from gateway.streaming.watch import as_stream
from tests.support.chunks import COMMENT, COST_USD, DONE, ROLE, STOP, USAGE, chunk, event, text
from tests.support.upstream import (
    DIRECT_BASE_URL,
    HANG,
    RESET,
    Act,
    Step,
    after,
    answer,
    fail,
    hang,
    healthy_stream,
    reply,
    stream,
)
from tests.support.world import Answer, World, chat, finish

pytestmark = pytest.mark.anyio
MODELS = ("a/one", "b/two", "c/three")
DECLARED = {"own": {"base_url": DIRECT_BASE_URL, "secret": "OWN_KEY"}}
DIRECT = {"UPSTREAMS": json.dumps(DECLARED), "OWN_KEY": "canary-of-the-direct-key"}
LIMIT = 1_048_576  # the least that MAX_ANSWER_BYTES may be


def choice(index: int, content: str, **fields: object) -> dict[str, object]:
    return {"index": index, "delta": {"content": content}, **fields}


CUTS: dict[str, tuple[tuple[Step, ...], str]] = {
    "reset": ((RESET,), "connection_lost"),
    "no finish reason": ((DONE,), "no_finish_reason"),
    "the end": ((), "no_finish_reason"),
    "error": ((event({"error": {"code": 503, "message": "x"}}),), "overloaded"),
    "stall": ((HANG,), "idle_timeout"),
    "comments": (tuple(step for _ in range(20) for step in (COMMENT, 1.0)), "idle_timeout"),
    "garbage": ((b"data: {garbage}\n\n",), "malformed_event"),
    "one choice of two": ((chunk(choices=[choice(1, "x")]), STOP, DONE), "no_finish_reason"),
}


async def watched(*acts: Act, env: dict[str, str] | None = None, **options: object) -> tuple[Answer, World]:
    world = World(env or {})
    for model, act in zip(MODELS, acts, strict=False):
        world.script(model, act)
    gateway = {"watch": True, "retries": 0, **options}
    return await world.ask(*MODELS[: len(acts)], gateway=gateway), world


def text_of(got: Answer) -> str:
    return str(got.json["choices"][0]["message"]["content"])


async def test_the_answer_is_plain_and_the_upstream_is_asked_for_a_stream() -> None:
    got, world = await watched(stream(ROLE, text("Hel"), text("lo"), text("."), STOP, USAGE, DONE))

    assert got.headers["content-type"].startswith("application/json")
    assert (got.json["object"], text_of(got)) == ("chat.completion", "Hello.")
    assert got.json["usage"]["cost"] == COST_USD
    assert world.upstream.received[0].body["stream"] is True
    assert world.upstream.received[0].headers["accept"] == "text/event-stream"
    [attempt] = got.receipt["attempts"]
    assert (attempt["watched"], attempt["cost_usd"], attempt["outcome"]) == (True, COST_USD, "answered")
    assert world.events("request_done")[0]["stream"] is False


async def test_all_other_fields_go_upstream_unchanged() -> None:
    fields: dict[str, object] = {"temperature": 0.5, "stream_options": None, "plugins": [], "stream": False}
    world = World()

    for gateway in ({"watch": True}, {}):
        await world.begin({**chat("a/one"), **fields, "gateway": gateway})

    watched_body, plain_body = (each.body for each in world.upstream.received)
    assert watched_body == {**plain_body, "stream": True}


def test_the_body_names_stream_once() -> None:
    asked = parse(b'{"prompt":"x","stream":false,"n":1}')

    assert as_stream(asked).fields.text == b'"prompt":"x","n":1,"stream":true'


async def test_a_direct_upstream_is_asked_for_the_usage() -> None:
    world = World(DIRECT)

    await world.ask("direct:own/m", gateway={"watch": True})

    body = world.upstream.received[0].body
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    ("env", "gateway", "is_watched"),
    [
        ({}, {}, False),
        ({"WATCH_PLAIN": "true"}, {}, True),
        ({"WATCH_PLAIN": "true"}, {"watch": False}, False),
    ],
)
async def test_the_setting_is_the_default(
    env: dict[str, str], gateway: dict[str, object], *, is_watched: bool
) -> None:
    world = World(env)

    got = await world.ask("a/one", gateway=gateway)

    assert world.upstream.received[0].body.get("stream", False) is is_watched
    assert got.receipt["attempts"][0].get("watched", False) is is_watched


async def test_a_stream_is_not_watched() -> None:
    got = await World().ask("a/one", stream=True, gateway={"watch": True})

    assert got.headers["content-type"].startswith("text/event-stream")
    assert "watched" not in got.receipt["attempts"][0]


async def test_a_silent_model_is_left_after_first_token_ms() -> None:
    got, _ = await watched(stream(COMMENT, HANG), healthy_stream(), first_token_ms=2_000)

    assert (got.codes, got.receipt["ms"]) == (["first_token_timeout", None], 2_000)


async def test_a_model_that_does_not_even_reply_is_left_after_first_token_ms() -> None:
    got, _ = await watched(hang, healthy_stream(), first_token_ms=2_000)

    assert (got.codes, got.receipt["ms"]) == (["first_token_timeout", None], 2_000)


async def test_a_model_that_works_may_use_the_time_of_the_others() -> None:
    slow = stream(*[step for _ in range(50) for step in (text("x"), 1.0)], STOP, USAGE, DONE)

    got, _ = await watched(slow, healthy_stream(), deadline_ms=60_000)

    assert (got.codes, text_of(got), got.receipt["ms"]) == ([None], "x" * 50, 50_000)


@pytest.mark.parametrize(
    ("options", "ms"),
    [({"deadline_ms": 20_000}, 20_000), ({"attempt_ms": 5_000, "deadline_ms": 9_000}, 5_000)],
)
async def test_the_deadline_and_attempt_ms_hold_for_the_complete_answer(
    options: dict[str, int], ms: int
) -> None:
    endless = stream(*[step for _ in range(500) for step in (text("x"), 1.0)])

    world = World().script("a/one", endless)
    got = await world.ask("a/one", gateway={"watch": True, "retries": 0, **options})

    assert (got.status, got.error["code"], got.receipt["ms"]) == (504, "attempt_timeout", ms)
    assert world.transport.replies[0].aborted


@pytest.mark.parametrize(("steps", "code"), CUTS.values(), ids=CUTS)
async def test_a_cut_falls_back_and_nothing_of_it_is_shown(steps: tuple[Step, ...], code: str) -> None:
    got, world = await watched(stream(text("Half "), 1.0, *steps), healthy_stream("Complete."), idle_ms=9_000)

    assert (got.status, text_of(got), got.codes) == (200, "Complete.", [code, None])
    assert [each["outcome"] for each in got.receipt["attempts"]] == ["cut_off", "answered"]
    assert all(each.aborted for each in world.transport.replies)


async def test_the_cost_of_a_cut_off_answer_counts() -> None:
    billed = stream(text("a"), USAGE.replace(b'"stop"', b"null"), RESET)

    got, _ = await watched(billed, healthy_stream())

    assert got.receipt["cost_usd"] == pytest.approx(2 * COST_USD)
    assert [each["billed"] for each in got.receipt["attempts"]] == ["yes", "yes"]


async def test_a_cut_off_answer_of_a_direct_upstream_may_have_cost_something() -> None:
    world = World(DIRECT)
    world.script("m", stream(text("a"), event({"error": {"code": 503, "message": "x"}})))

    got = await world.ask("direct:own/m", "b/two", gateway={"watch": True, "retries": 0})

    assert [each["billed"] for each in got.receipt["attempts"]] == ["unknown", "yes"]


async def test_a_cost_that_a_direct_upstream_reports_has_no_unit() -> None:
    world = World(DIRECT).script("m", stream(chunk({"reasoning": "x"}), STOP, USAGE, DONE))

    got = await world.ask("direct:own/m", gateway={"watch": True, "retries": 0})

    assert (got.codes, got.receipt["cost_usd"]) == (["reasoning_only"], None)


async def test_the_same_model_is_tried_again_as_without_a_watch() -> None:
    world = World().script("a/one", stream(text("a"), RESET), healthy_stream("Complete."))

    got = await world.ask("a/one", gateway={"watch": True, "retries": 1})

    assert (got.codes, text_of(got)) == (["connection_lost", None], "Complete.")


async def test_stop_on_ends_the_chain() -> None:
    got, world = await watched(stream(text("a"), RESET), healthy_stream(), stop_on=["connection_lost"])

    assert (got.error["code"], world.upstream.models) == ("connection_lost", ["a/one"])


CHECKS: dict[str, tuple[tuple[bytes, ...], str]] = {
    "json": ((text("no "), text("json")), "invalid_json_answer"),
    "reasoning only": ((chunk({"reasoning": "x"}),), "reasoning_only"),
    "empty": ((ROLE,), "empty_answer"),
    "blank": ((text(" "), text("\n")), "empty_answer"),
}


@pytest.mark.parametrize(("chunks", "code"), CHECKS.values(), ids=CHECKS)
async def test_the_checks_of_a_plain_answer_hold_and_its_cost_counts(
    chunks: tuple[bytes, ...], code: str
) -> None:
    world = World().script("a/one", stream(*chunks, STOP, USAGE, DONE))
    world.script("b/two", healthy_stream("{}"))

    json_object = {"type": "json_object"}
    got = await world.ask(
        "a/one", "b/two", gateway={"watch": True, "retries": 0}, response_format=json_object
    )

    assert got.codes == [code, None]
    assert [each["cost_usd"] for each in got.receipt["attempts"]] == [COST_USD, COST_USD]
    assert got.receipt["attempts"][0]["outcome"] == "failed"


async def test_a_filtered_answer_falls_back() -> None:
    got, _ = await watched(stream(ROLE, chunk(finish="content_filter"), USAGE, DONE), healthy_stream())

    assert got.codes == ["filtered_answer", None]


async def test_one_usable_choice_is_enough() -> None:
    choices = [chunk(choices=[choice(index, "x" * index, finish_reason="stop")]) for index in (0, 1)]

    got, _ = await watched(stream(*choices, USAGE, DONE))

    assert [each["message"]["content"] for each in got.json["choices"]] == ["", "x"]


async def test_a_fence_is_taken_off() -> None:
    world = World().script("a/one", stream(text("```json\n{"), text("}\n```"), STOP, USAGE, DONE))

    got = await world.ask("a/one", gateway={"watch": True}, response_format={"type": "json_object"})

    assert text_of(got) == "{}"


async def test_a_plain_answer_to_the_request_for_a_stream_is_accepted() -> None:
    got, _ = await watched(answer("Plain."))

    assert (got.status, text_of(got)) == (200, "Plain.")


async def test_a_page_of_html_falls_back() -> None:
    got, _ = await watched(reply(200, b"<html>", content_type="text/html"), healthy_stream())

    assert got.codes == ["wrong_content_type", None]


@pytest.mark.parametrize("escaped", [False, True])
async def test_images_are_complete(*, escaped: bool) -> None:
    urls = [f"data:image/png;base64,{letter * LONG_BYTES * 2}" for letter in "AB"]
    images = [
        {"type": "image_url", "image_url": {"url": url}, "index": index} for index, url in enumerate(urls)
    ]
    said = '@long-0-0@ "@long-0-' if escaped else "Two images."
    pieces = [chunk({"content": said, "images": [each]}) for each in images]

    got, _ = await watched(stream(*pieces, STOP, USAGE, DONE))

    message = got.json["choices"][0]["message"]
    assert [each["image_url"]["url"] for each in message["images"]] == urls
    assert message["content"] == 2 * said


async def test_an_answer_has_at_most_so_many_bytes() -> None:
    long = [text("x" * (LIMIT // 10)) for _ in range(11)]

    got, world = await watched(stream(*long, HANG), healthy_stream(), env={"MAX_ANSWER_BYTES": str(LIMIT)})

    assert got.codes == ["answer_too_large", None]
    assert world.transport.replies[0].aborted


async def test_the_bytes_around_the_text_do_not_count() -> None:
    many = [text("x")] * (LIMIT // 100)

    got, _ = await watched(stream(*many, STOP, USAGE, DONE), env={"MAX_ANSWER_BYTES": str(LIMIT)})

    assert sum(map(len, many)) > LIMIT
    assert text_of(got) == "x" * len(many)


async def test_no_second_model_is_started_while_the_first_shows_progress() -> None:
    slow = stream(text("a"), 5.0, text("b"), STOP, USAGE, DONE)

    got, world = await watched(slow, healthy_stream(), hedge_ms=1_000)

    assert (text_of(got), world.upstream.models) == ("ab", ["a/one"])


async def test_a_second_model_is_started_while_the_first_is_silent() -> None:
    got, world = await watched(after(5.0, healthy_stream("late")), healthy_stream("early"), hedge_ms=1_000)

    assert (text_of(got), world.upstream.models) == ("early", ["a/one", "b/two"])
    assert [each["outcome"] for each in got.receipt["attempts"]] == ["cancelled", "answered"]


async def test_the_call_upstream_ends_when_the_client_leaves() -> None:
    world = World().script("a/one", stream(text("a"), HANG))
    asking = asyncio.create_task(world.begin(chat("a/one", gateway={"watch": True})))
    await asyncio.sleep(1.0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    assert world.transport.replies[0].aborted
    [done] = world.events("request_done")
    assert (done["outcome"], '"outcome": "cancelled"' in world.log_text) == ("client_gone", True)


async def test_the_answer_cache_keeps_it_as_a_plain_answer() -> None:
    world = World()
    gateway = {"cache_ttl_s": 60}
    await world.ask("a/one", gateway={**gateway, "watch": True})
    await world.let_run()

    got = await world.ask("a/one", gateway=gateway)

    assert (got.headers["x-gateway-cache"], text_of(got)) == ("hit", "Hello.")
    assert len(world.upstream.received) == 1


async def test_guarded_events_have_no_limit() -> None:
    got, _ = await watched(stream(*[text("a")] * 9, STOP, USAGE, DONE), env={"STREAM_GUARD_EVENTS": "0"})

    assert text_of(got) == "a" * 9


async def test_the_plan_shows_it() -> None:
    world = World()

    got = await finish(
        await world.begin(chat("a/one", gateway={"watch": True, "first_token_ms": 900}), path="/v1/plan")
    )

    assert (got.json["watch"], got.json["chain"][0]["attempt_ms"]) == (True, 900)
    assert got.json["decided_by"]["watch"] == "gateway.watch"


async def test_failures_before_the_stream_are_as_in_a_plain_answer() -> None:
    got, _ = await watched(fail(503), healthy_stream())

    assert got.codes == ["overloaded", None]
