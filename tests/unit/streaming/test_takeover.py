import asyncio
from typing import cast

import pytest

from gateway.http.message import ClientGoneError
from gateway.memory.latencies import Latencies
from gateway.streaming.keep_alive import KEEP_ALIVE
from tests.support.chunks import COST_USD, DONE, ROLE, STOP, USAGE, text, text_in
from tests.support.takeovers import HALF, MODELS, ask, errors, seams, taking_over, world_of
from tests.support.upstream import HANG, RESET, Act, after, fail, hang, healthy_stream, recorded, stream
from tests.support.world import chat, finish, now_s

pytestmark = pytest.mark.anyio


@taking_over
async def test_the_receipt_shows_which_model_took_over(how: str) -> None:
    got, world = await ask(how, stream(text("a"), 3.0, RESET), after(2.0, healthy_stream("b")))

    first, second = got.receipt["attempts"]
    assert (first["outcome"], first["code"], first["billed"]) == ("cut_off", "connection_lost", "unknown")
    assert "resumes" not in first
    assert (second["outcome"], second["resumes"], second["cost_usd"]) == ("answered", how, COST_USD)
    assert (got.receipt["served"], got.receipt["ms"]) == ("b/two", 5_000)
    assert [line["outcome"] for line in world.events("request_done")] == ["answered"]


@taking_over
async def test_a_new_deadline_counts_from_the_cut(how: str) -> None:
    slow = tuple(step for _ in range(5) for step in (text("x"), 4.0))
    got, _ = await ask(how, stream(*slow, RESET), hang, after(4.0, healthy_stream("y")), deadline_ms=10_000)

    assert got.receipt["served"] == "c/three"
    assert now_s() == pytest.approx(20.0 + 5.0 + 4.0)


@taking_over
@pytest.mark.parametrize(
    ("second", "codes"),
    [
        pytest.param(fail(404), ["no_endpoints"], id="it fails"),
        pytest.param(recorded("err-401"), ["upstream_key_rejected"], id="it stops the chain"),
        pytest.param(hang, ["attempt_timeout"], id="it hangs"),
        pytest.param(stream(ROLE, DONE), ["empty_answer"] * 2, id="it is empty, twice"),
    ],
)
async def test_a_takeover_that_fails_ends_with_one_error_event_of_the_first_fault(
    how: str, second: Act, codes: list[str]
) -> None:
    got, world = await ask(how, HALF, second, deadline_ms=10_000)

    assert [each["code"] for each in errors(got)] == ["connection_lost"]
    assert "error" in got.events[-1]
    assert got.codes == ["connection_lost", *codes]
    assert (text_in(got.events), seams(got)) == ("Half ", [])
    assert world.events("request_done")[0]["outcome"] == "connection_lost"


@taking_over
async def test_without_a_remaining_model_the_answer_ends_as_by_default(how: str) -> None:
    got, _ = await ask(how, fail(404), HALF)

    assert [each["code"] for each in errors(got)] == ["connection_lost"]


@pytest.mark.parametrize("how", ["restart", "continue", "hold"])
async def test_a_model_that_lost_a_hedge_may_take_over(how: str) -> None:
    world = world_of(after(2.0, stream(text("Half "), 1.0, RESET))).script("b/two", hang, healthy_stream("b"))

    got = await world.ask(*MODELS[:2], stream=True, gateway={"on_midstream": how, "hedge_ms": 1_000})

    outcomes = [(each["model"], each["outcome"]) for each in got.receipt["attempts"]]
    assert outcomes == [("a/one", "cut_off"), ("b/two", "cancelled"), ("b/two", "answered")]
    assert text_in(got.events).endswith("b")


async def test_each_cut_is_a_restart_while_models_remain() -> None:
    got, world = await ask("restart", HALF, HALF, stream(text("Last"), DONE))

    assert [got.events[place]["gateway"]["model"] for place in seams(got)] == MODELS[1:]
    assert [each["code"] for each in errors(got)] == ["no_finish_reason"]
    assert [each["outcome"] for each in got.receipt["attempts"]] == ["cut_off"] * 3
    assert all(each.aborted or each.ended for each in world.transport.replies)


@taking_over
async def test_a_model_that_was_cooling_down_at_the_start_may_take_over_later(how: str) -> None:
    world = world_of(fail(429, retry_after="5"), stream(text("a"), 9.0, RESET))
    await world.ask("a/one", gateway={"deadline_ms": 1_000})
    world.script("a/one", healthy_stream("b"))

    got = await world.ask("a/one", "b/two", stream=True, gateway={"on_midstream": how})

    assert [each["model"] for each in got.receipt["attempts"]] == ["b/two", "a/one"]
    assert text_in(got.events) == "ab"


async def test_a_fault_after_the_finish_reason_is_not_a_cut() -> None:
    got, world = await ask("restart", stream(text("Hi"), STOP, RESET), healthy_stream())

    assert (got.body, world.upstream.models) == (text("Hi") + STOP + DONE, ["a/one"])


@taking_over
async def test_a_client_that_leaves_after_the_takeover_ends_it(how: str) -> None:
    async def leaves(_: bytes) -> None:
        if now_s() > 1.0:
            raise ClientGoneError

    world = world_of(HALF, after(1.5, stream(text("b"), HANG)))
    response = await world.begin(chat(*MODELS, stream=True, gateway={"on_midstream": how}))

    await finish(response, on_write=leaves)

    assert all(each.aborted for each in world.transport.replies)
    assert world.events("request_done")[0]["outcome"] == "client_gone"
    assert world.upstream.models == MODELS[:2]


@taking_over
@pytest.mark.parametrize(
    "second", [hang, stream(ROLE, HANG), stream(text("b"), HANG)], ids=["no headers", "no text", "committed"]
)
async def test_a_stream_that_is_cancelled_during_the_takeover_ends_every_call(how: str, second: Act) -> None:
    world = world_of(HALF, second)
    response = await world.begin(chat(*MODELS, stream=True, gateway={"on_midstream": how}))
    relaying = asyncio.create_task(finish(response))
    await asyncio.sleep(3.0)

    relaying.cancel()
    await asyncio.wait({relaying})

    assert all(each.aborted for each in world.transport.replies)
    assert len(world.transport.replies) + len(world.upstream.cancelled) == 2
    (line,) = world.events("request_done")
    attempts = line["attempts"]
    assert isinstance(attempts, list)
    outcomes = [each["outcome"] for each in attempts if isinstance(each, dict)]
    assert (line["outcome"], outcomes) == ("client_gone", ["cut_off", "cancelled"])


async def test_the_usage_of_a_cut_off_answer_counts() -> None:
    got, _ = await ask(
        "restart", stream(text("a"), USAGE.replace(b'"stop"', b"null"), RESET), healthy_stream()
    )

    assert got.receipt["cost_usd"] == pytest.approx(2 * COST_USD)


@taking_over
async def test_the_cut_off_stream_is_closed_before_another_takes_over(how: str) -> None:
    _, world = await ask(how, stream(text("a") + b"data: {garbage}\n\n", HANG), healthy_stream("b"))

    assert world.transport.replies[0].aborted


@pytest.mark.parametrize("fields", [{"n": 1}, {"modalities": ["text"]}], ids=repr)
async def test_a_request_that_states_the_default_output_is_continued_too(fields: dict[str, object]) -> None:
    got, world = await ask("continue", HALF, healthy_stream("complete."), fields=fields)

    assert world.upstream.models == MODELS[:2]
    assert text_in(got.events) == "Half complete."


@taking_over
async def test_a_bug_during_a_takeover_is_logged_once_and_ends_with_one_error_event(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(_: Latencies, model: str, *__: object, **___: object) -> None:
        if model == "b/two":
            raise RuntimeError("a bug")

    monkeypatch.setattr(Latencies, "note", note)

    got, world = await ask(how, HALF, healthy_stream("b"))

    assert [each["code"] for each in errors(got)] == ["internal_error"]
    assert got.events[-1]["error"]["metadata"]["partial"] is True
    assert got.events[-1]["model"] == "served/one"
    assert got.codes == ["connection_lost", None]
    assert [line["error"] for line in world.events("internal_error")] == ["RuntimeError"]
    assert [line["outcome"] for line in world.events("request_done")] == ["internal_error"]
    assert all(each.aborted for each in world.transport.replies)


@pytest.mark.parametrize("field", [b'"created":1795338000', b'"model":"served/one"'])
async def test_an_envelope_that_json_cannot_represent_breaks_neither_restart_nor_error(field: bytes) -> None:
    name = field.partition(b":")[0]
    odd = text("b").replace(field, name + b":1e999")
    assert b"1e999" in odd

    got, world = await ask("restart", stream(odd, RESET), stream(odd, RESET))

    assert len(seams(got)) == 1
    assert [each["code"] for each in errors(got)] == ["connection_lost"]
    assert world.events("internal_error") == []
    assert all(each.aborted for each in world.transport.replies)


@taking_over
async def test_all_errors_are_also_listed_after_a_cut_if_requested(how: str) -> None:
    got, _ = await ask(how, HALF, fail(404), errors="all")

    (error,) = errors(got)
    assert [each["code"] for each in error["metadata"]["errors"]] == ["connection_lost", "no_endpoints"]


@taking_over
async def test_comments_keep_the_connection_alive_during_a_takeover(how: str) -> None:
    got, _ = await ask(how, HALF, after(3.5, healthy_stream("b")), keepalive_ms=1_000)

    comments = [at_s for at_s, piece in got.pieces if piece == KEEP_ALIVE]
    assert comments == pytest.approx([1.0, 2.0, 3.0])
    assert text_in(got.events) == "Half b"
    assert got.receipt["served"] == "b/two"


@taking_over
@pytest.mark.parametrize("second", [hang, after(2.5, healthy_stream("b"))], ids=["hangs", "commits"])
async def test_a_client_that_leaves_between_two_models_ends_both(how: str, second: Act) -> None:
    async def leaves(piece: bytes) -> None:
        if piece == KEEP_ALIVE and now_s() > 1.9:
            await asyncio.sleep(0.6)
            raise ClientGoneError

    world = world_of(HALF, second)
    gateway = {"on_midstream": how, "keepalive_ms": 1_000}
    response = await world.begin(chat(*MODELS[:2], stream=True, gateway=gateway))

    await finish(response, on_write=leaves)

    (line,) = world.events("request_done")
    assert line["outcome"] == "client_gone"
    assert [each["outcome"] for each in cast(list[dict[str, object]], line["attempts"])] == [
        "cut_off",
        "cancelled",
    ]
    assert all(each.aborted for each in world.transport.replies)
