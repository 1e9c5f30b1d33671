"""``on_midstream: "hold"``: nothing of an answer is sent until it is complete."""

import asyncio
import json

import pytest

from gateway.http.message import ClientGoneError
from gateway.streaming.keep_alive import KEEP_ALIVE
from tests.support.chunks import COMMENT, COST_USD, DONE, ROLE, STOP, USAGE, chunk, event, text, text_in
from tests.support.takeovers import HALF, MODELS, errors, world_of
from tests.support.upstream import HANG, RESET, Act, Step, after, fail, hang, healthy_stream, refuse, stream
from tests.support.world import Answer, World, chat, finish, now_s, one_key

pytestmark = pytest.mark.anyio
CUTS: dict[str, tuple[tuple[Step, ...], str]] = {
    "reset": ((RESET,), "connection_lost"),
    "no finish reason": ((DONE,), "no_finish_reason"),
    "the end": ((), "no_finish_reason"),
    "error": ((event({"error": {"code": 503, "message": "x"}}),), "overloaded"),
    "stall": ((HANG,), "idle_timeout"),
    "comments": (tuple(step for _ in range(20) for step in (COMMENT, 1.0)), "idle_timeout"),
    "garbage": ((b"data: {garbage}\n\n",), "malformed_event"),
}
cut_off = pytest.mark.parametrize(("steps", "code"), CUTS.values(), ids=CUTS)


async def held(*acts: Act, **options: object) -> tuple[Answer, World]:
    world = world_of(*acts)
    gateway = {"on_midstream": "hold", **options}
    return await world.ask(*MODELS[: len(acts)], stream=True, gateway=gateway), world


async def test_a_complete_answer_is_sent_at_once_with_its_receipt() -> None:
    got, world = await held(stream(ROLE, text("a"), 2.0, text("b"), 2.0, STOP, USAGE, DONE))

    assert {at_s for at_s, _ in got.pieces} == {4.0}
    assert got.body.startswith(ROLE + text("a") + text("b") + STOP)
    assert got.body.endswith(DONE)
    assert (got.status, got.headers["x-gateway-model"]) == (200, "a/one")
    assert (got.receipt["served"], got.receipt["cost_usd"], got.receipt["ms"]) == ("a/one", COST_USD, 4_000)
    assert [each["ms"] for each in got.receipt["attempts"]] == [4_000]
    assert [line["outcome"] for line in world.events("request_done")] == ["answered"]


@cut_off
async def test_nothing_of_a_cut_off_answer_is_shown(steps: tuple[Step, ...], code: str) -> None:
    got, world = await held(stream(text("Half "), 1.0, *steps), healthy_stream("Complete."), idle_ms=9_000)

    assert text_in(got.events) == "Complete."
    assert b"Half" not in got.body
    assert b"restart" not in got.body
    assert got.body.endswith(DONE)
    assert got.codes == [code, None]
    first, second = got.receipt["attempts"]
    assert (first["outcome"], second["outcome"], "resumes" in second) == ("cut_off", "answered", False)
    assert got.receipt["served"] == "b/two"
    assert all(each.aborted for each in world.transport.replies)
    assert [line["outcome"] for line in world.events("request_done")] == ["answered"]


async def test_the_cost_of_a_cut_off_answer_counts() -> None:
    billed = stream(text("a"), USAGE.replace(b'"stop"', b"null"), RESET)

    got, _ = await held(billed, healthy_stream())

    assert got.receipt["cost_usd"] == pytest.approx(2 * COST_USD)
    assert [each["billed"] for each in got.receipt["attempts"]] == ["yes", "yes"]


async def test_a_cut_at_which_the_chain_ends_is_the_error() -> None:
    got, world = await held(stream(text("a"), RESET), healthy_stream(), stop_on=["connection_lost"])

    assert (got.error["code"], world.upstream.models) == ("connection_lost", ["a/one"])


@cut_off
async def test_without_a_complete_answer_the_client_gets_an_error_status(
    steps: tuple[Step, ...], code: str
) -> None:
    got, world = await held(
        stream(text("Half "), *steps), fail(404), idle_ms=9_000, keepalive_ms=60_000, retries=0
    )

    assert got.status == 404
    assert (got.error["code"], b"Half" in got.body) == ("no_endpoints", False)
    assert got.codes == [code, "no_endpoints"]
    assert got.receipt["served"] is None
    assert world.events("request_done")[0]["outcome"] == "no_endpoints"


async def test_a_cut_is_the_error_if_no_other_model_is_left() -> None:
    got, world = await held(HALF, retries=0)

    assert (got.status, got.error["code"]) == (502, "connection_lost")
    assert "partial" not in got.error["metadata"]
    assert world.upstream.models == ["a/one"]


async def test_a_cut_is_the_error_if_no_other_model_may_be_called() -> None:
    world = World({"MAX_ATTEMPTS": "1"}).script("a/one", HALF)

    got = await world.ask("a/one", "b/two", stream=True, gateway={"on_midstream": "hold"})

    assert (got.status, got.error["code"]) == (502, "connection_lost")
    assert world.upstream.models == ["a/one"]


async def test_after_a_comment_the_error_is_the_only_event() -> None:
    got, world = await held(stream(text("Half "), 12.0, RESET), fail(404))

    (payload,) = got.events
    assert (got.status, payload["error"]["code"]) == (200, "no_endpoints")
    assert [at_s for at_s, piece in got.pieces if piece == KEEP_ALIVE] == [10.0]
    assert world.events("request_done")[0]["outcome"] == "no_endpoints"


@pytest.mark.parametrize(("keepalive_ms", "times"), [(None, [10.0, 20.0]), (7_000, [7.0, 14.0, 21.0])])
async def test_comments_are_sent_while_the_answer_is_held(
    keepalive_ms: int | None, times: list[float]
) -> None:
    slow = [step for _ in range(5) for step in (text("x"), 5.0)]

    got, _ = await held(stream(*slow, STOP, USAGE, DONE), keepalive_ms=keepalive_ms)

    assert [at_s for at_s, piece in got.pieces if piece == KEEP_ALIVE] == times
    assert {at_s for at_s, piece in got.pieces if piece != KEEP_ALIVE} == {25.0}
    assert text_in(got.events) == "xxxxx"


async def test_the_last_model_is_tried_again_if_its_fault_may_pass() -> None:
    world = World().script("a/one", HALF, healthy_stream("Complete."))

    got = await world.ask("a/one", stream=True, gateway={"on_midstream": "hold"})

    assert text_in(got.events) == "Complete."
    assert [each["number"] for each in got.receipt["attempts"]] == [1, 2]


@pytest.mark.parametrize(("options", "calls"), [({"retries": 0}, 1), ({"retries": 2}, 3)])
async def test_retries_limit_how_often_a_model_is_tried(options: dict[str, object], calls: int) -> None:
    got, world = await held(HALF, **options)

    assert world.upstream.models == ["a/one"] * calls
    assert got.codes == ["connection_lost"] * calls


async def test_a_new_deadline_counts_from_the_cut() -> None:
    slow = tuple(step for _ in range(5) for step in (text("x"), 4.0))

    got, _ = await held(stream(*slow, RESET), hang, after(4.0, healthy_stream("y")), deadline_ms=10_000)

    assert got.receipt["served"] == "c/three"
    assert now_s() == pytest.approx(20.0 + 5.0 + 4.0)


async def test_the_limit_of_the_first_token_holds() -> None:
    got, _ = await held(stream(COMMENT, HANG), healthy_stream("y"), first_token_ms=3_000)

    assert got.codes == ["first_token_timeout", None]
    assert now_s() == pytest.approx(3.0)


async def test_a_hedge_starts_only_if_the_first_model_shows_nothing() -> None:
    slow = stream(text("a"), 5.0, text("b"), STOP, DONE)

    got, world = await held(slow, healthy_stream("y"), hedge_ms=1_000)

    assert (text_in(got.events), world.upstream.models) == ("ab", ["a/one"])


async def test_a_held_answer_has_the_limit_of_a_plain_one() -> None:
    long = text("x" * 100_000)

    world = World({"MAX_ANSWER_BYTES": "1048576"}).script("a/one", stream(*[long] * 20, HANG))
    world.script("b/two", healthy_stream("y"))

    got = await world.ask(*MODELS[:2], stream=True, gateway={"on_midstream": "hold"})

    assert got.codes == ["answer_too_large", None]
    assert text_in(got.events) == "y"
    assert world.transport.replies[0].aborted


@pytest.mark.parametrize("events", ["0", "1", "3"])
async def test_all_events_are_guarded_whatever_the_setting(events: str) -> None:
    world = World({"STREAM_GUARD_EVENTS": events}).script("a/one", stream(*[text("a")] * 9, RESET))
    world.script("b/two", healthy_stream("b"))

    got = await world.ask("a/one", "b/two", stream=True, gateway={"on_midstream": "hold"})

    assert text_in(got.events) == "b"
    assert got.receipt["cost_usd"] == COST_USD


async def test_a_fault_after_the_finish_reason_is_not_a_cut() -> None:
    got, world = await held(stream(text("Hi"), STOP, RESET), healthy_stream())

    assert (got.body, world.upstream.models) == (text("Hi") + STOP + DONE, ["a/one"])


async def test_comments_and_tool_calls_of_the_stream() -> None:
    call = {"index": 0, "id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    calls = chunk({"tool_calls": [call]})

    got, _ = await held(stream(COMMENT, calls, COMMENT, chunk({}, finish="tool_calls"), DONE))

    assert got.body == calls + chunk({}, finish="tool_calls") + DONE


@pytest.mark.parametrize(
    "act",
    [hang, stream(HANG), stream(text("Hi"), HANG), stream(text("Hi"), RESET)],
    ids=["no headers", "no text", "committed", "cut"],
)
async def test_a_client_that_leaves_ends_the_call(act: Act) -> None:
    async def leaves(_: bytes) -> None:
        await asyncio.sleep(0.5)
        raise ClientGoneError

    world = world_of(act, hang)
    gateway = {"on_midstream": "hold", "keepalive_ms": 1_000}
    response = await world.begin(chat(*MODELS[:2], stream=True, gateway=gateway))

    await finish(response, on_write=leaves)

    assert all(each.aborted for each in world.transport.replies)
    assert now_s() == pytest.approx(1.5)
    (line,) = world.events("request_done")
    attempts = line["attempts"]
    assert isinstance(attempts, list)
    outcomes = [each["outcome"] for each in attempts if isinstance(each, dict)]
    assert line["outcome"] == "client_gone"
    assert outcomes[-1] == "cancelled"
    assert set(outcomes) <= {"cancelled", "cut_off"}


async def test_a_request_that_is_cancelled_before_the_first_comment_ends_the_call() -> None:
    world = world_of(stream(text("Hi"), HANG))
    asking = asyncio.create_task(world.begin(chat("a/one", stream=True, gateway={"on_midstream": "hold"})))
    await asyncio.sleep(1.0)

    asking.cancel()
    await asyncio.wait({asking})

    assert all(each.aborted for each in world.transport.replies)
    assert [line["outcome"] for line in world.events("request_done")] == ["client_gone"]


async def test_a_plain_request_is_not_changed() -> None:
    world = World()

    got = await world.ask("a/one", gateway={"on_midstream": "hold"})

    assert got.json["choices"][0]["message"]["content"] == "Hello."


async def test_a_held_answer_is_cached_also_after_a_cut() -> None:
    world = world_of(HALF, healthy_stream("Complete."))
    gateway = {"on_midstream": "hold", "cache_ttl_s": 60}
    first = await world.ask(*MODELS[:2], stream=True, gateway=gateway)
    await world.let_run()

    again = await world.ask(*MODELS[:2], stream=True, gateway=gateway)

    assert (first.receipt["cache"]["hit"], again.receipt["cache"]["hit"]) == (False, True)
    assert text_in(again.events) == "Complete."
    assert world.upstream.models == MODELS[:2]


async def test_an_account_at_fault_after_a_cut_is_reported() -> None:
    got, _ = await held(HALF, fail(401, "User not found."))

    assert (got.status, got.error["code"]) == (401, "upstream_key_rejected")


async def test_a_first_model_that_fails_falls_back_as_ever() -> None:
    got, _ = await held(refuse, healthy_stream("b"))

    assert got.codes == ["connection_failed", None]
    assert json.loads(got.headers["x-gateway-receipt"])["served"] == "b/two"
    assert errors(got) == []


@pytest.mark.parametrize("by", ["key", "route"])
async def test_a_key_or_a_task_route_may_hold_the_answers_of_its_requests(by: str) -> None:
    options = {"on_midstream": "hold"}
    route = {"task/x": {"models": MODELS[:2], "options": options if by == "route" else {}}}
    keys = one_key(options=options) if by == "key" else one_key()
    world = World({"GATEWAY_KEYS": keys, "TASK_ROUTES": json.dumps(route)}).script("a/one", HALF)
    world.script("b/two", healthy_stream("Complete."))

    got = await world.ask("task/x", stream=True)

    assert text_in(got.events) == "Complete."


async def test_what_an_upstream_says_in_a_cut_is_not_logged() -> None:
    said = "canary of a prompt that an upstream repeats"
    cut = stream(text("Half "), event({"error": {"code": 400, "message": said}}))

    got, world = await held(cut, fail(404), errors="all")

    assert said in got.body.decode()
    assert "canary" not in world.log_text
