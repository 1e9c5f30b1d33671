"""What holds for repeats in every dialect: they attach to the first request, or get its answer, for free."""

import asyncio
from typing import Any

import pytest

from gateway.memory import shared_answers
from gateway.repeats.lead import LINGER_S, TICK_S
from gateway.routes import generate
from tests.support.live_world import LiveWorld
from tests.support.speech import CHAT, SPEECHES, Speech
from tests.support.upstream import after, answer, fail, hang, healthy_stream, stream
from tests.support.world import TOKEN, Answer, chat, finish, now_s, one_key

pytestmark = pytest.mark.anyio
KEY = {"idempotency-key": "6c1e9a40-one"}
JOIN: dict[str, Any] = {"gateway": {"join": True}}
STREAMING = [each for each in SPEECHES if "stream" in each.can]
every_dialect = pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.name)
every_stream = pytest.mark.parametrize("speech", STREAMING, ids=lambda speech: speech.name)


async def ask(world: LiveWorld, *, at_s: float = 0.0, key: str = "one", **fields: Any) -> Answer:  # noqa: ANN401  # JSON of any kind
    """Return the answer to a chat request that is sent at a time."""
    await asyncio.sleep(at_s)
    headers = {"authorization": f"Bearer {fields.pop('token', TOKEN)}"} | (
        {"idempotency-key": key} if key else {}
    )
    return await finish(await world.begin(chat("a/one", **fields), headers=headers))


@every_dialect
async def test_a_repeat_attaches_to_the_request_in_flight(speech: Speech) -> None:
    world = LiveWorld().script("a/one", after(1.0, speech.answers("Hello.")))
    first = asyncio.ensure_future(speech.ask(world, "a/one", headers=KEY))
    await asyncio.sleep(0.5)

    again = await speech.ask(world, "a/one", headers=KEY)

    assert speech.said(again) == speech.said(await first) == "Hello."
    assert len(world.upstream.received) == 1
    assert again.headers["x-gateway-cache"] == "joined"
    assert again.receipt["cache"] == {"hit": True, "age_s": 0, "joined": True}
    assert (again.receipt["cost_usd"], again.receipt["attempts"]) == (0, [])
    assert (
        again.receipt["request_id"] == again.headers["x-request-id"] != first.result().receipt["request_id"]
    )
    if speech.does("cost"):
        assert again.json["usage"]["cost"] == 0
    await world.settle()


@every_dialect
async def test_a_repeat_after_the_end_gets_the_answer_for_a_while(speech: Speech) -> None:
    world = LiveWorld({"IDEMPOTENCY_S": "60"}).script("a/one", speech.answers("Hello."))
    await speech.ask(world, "a/one", **JOIN)
    await asyncio.sleep(59)

    again = await speech.ask(world, "a/one", **JOIN)
    await asyncio.sleep(2)
    late = await speech.ask(world, "a/one", **JOIN)

    assert speech.said(again) == "Hello."
    assert again.headers["x-gateway-cache"] == "hit"
    assert again.receipt["cache"] == {"hit": True, "age_s": 59}
    assert "x-gateway-cache" not in late.headers
    assert len(world.upstream.received) == 2


@every_stream
async def test_a_repeat_gets_a_stream_from_its_beginning_and_then_as_it_grows(speech: Speech) -> None:
    texts = map(speech.text, ("Hel", "lo."))
    act = stream(*speech.opening, next(texts), 2.0, next(texts), *speech.closing)
    world = LiveWorld().script("a/one", act)
    first = asyncio.ensure_future(speech.ask(world, "a/one", stream=True, headers=KEY))
    await asyncio.sleep(1.0)

    again = await speech.ask(world, "a/one", stream=True, headers=KEY)

    assert speech.texts_in(again.events) == speech.texts_in((await first).events) == "Hello."
    assert speech.is_complete(again.events)
    assert again.pieces[0][0] < 1.5 < again.pieces[-1][0]
    assert again.receipt["cache"]["joined"] is True
    assert (again.receipt["cost_usd"], again.receipt["attempts"]) == (0, [])
    assert len(world.upstream.received) == 1
    await world.settle()


@every_stream
async def test_a_repeat_after_the_end_gets_the_complete_stream(speech: Speech) -> None:
    world = LiveWorld().script("a/one", speech.streams("Hel", "lo."))
    first = await speech.ask(world, "a/one", stream=True, headers=KEY)

    again = await speech.ask(world, "a/one", stream=True, headers=KEY)

    assert speech.texts_in(again.events) == speech.texts_in(first.events) == "Hello."
    assert again.receipt["cache"] == {"hit": True, "age_s": 0}
    assert len(world.upstream.received) == 1


@every_dialect
async def test_another_body_under_the_same_key_is_refused(speech: Speech) -> None:
    world = LiveWorld().script("a/one", speech.answers("Hello."))
    await speech.ask(world, "a/one", headers=KEY)

    other = await speech.ask(world, "a/two", headers=KEY)

    assert other.status == 422
    assert "Idempotency-Key is already used" in str(other.json["error"]["message"])
    assert len(world.upstream.received) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "ключ", "a\x7fb", "\xa0"])
async def test_a_key_that_is_blank_too_long_or_not_printable_is_refused(key: str) -> None:
    world = LiveWorld()

    got = await CHAT.ask(world, "a/one", headers={"idempotency-key": key})

    assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_field", "Idempotency-Key")
    assert not world.upstream.received


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a b"])
async def test_a_printable_key_is_accepted(key: str) -> None:
    assert (await CHAT.ask(LiveWorld(), "a/one", headers={"idempotency-key": key})).status == 200


async def test_two_callers_never_share() -> None:
    keys = f"one:{TOKEN},two:canary-of-another-token"
    world = LiveWorld({"GATEWAY_KEYS": keys}).script("a/one", after(1.0, answer()))
    await asyncio.gather(
        *(
            ask(world, token=token, key=key, **fields)
            for token in (TOKEN, "canary-of-another-token")
            for key, fields in (("one", {}), ("", JOIN))
        )
    )
    assert len(world.upstream.received) == 4


async def test_an_answer_goes_on_for_those_who_are_left() -> None:
    world = LiveWorld().script("a/one", after(20.0, answer()))
    first = asyncio.ensure_future(ask(world))
    second = asyncio.ensure_future(ask(world, at_s=1.0))
    await asyncio.sleep(2.0)
    first.cancel()

    assert (await second).status == 200
    assert len(world.upstream.received) == 1
    await world.settle()


async def test_an_answer_that_nobody_waits_for_ends_soon() -> None:
    world = LiveWorld().script("a/one", hang)
    clients = [asyncio.ensure_future(ask(world, at_s=at_s)) for at_s in (0.0, 1.0)]
    await asyncio.sleep(2.0)
    for client in clients:
        client.cancel()
    await world.settle()

    assert world.upstream.cancelled == ["a/one"]
    assert now_s() <= 2.0 + LINGER_S + TICK_S + 0.1
    assert {each["outcome"] for each in world.events("request_done")} == {"client_gone"}


async def test_a_client_that_comes_back_soon_costs_one_answer() -> None:
    world = LiveWorld().script("a/one", after(4.0, answer()))
    for _ in range(4):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.9):
                await ask(world)
        await asyncio.sleep(0.05)

    assert (await ask(world)).status == 200
    assert len(world.upstream.received) == 1
    await world.settle()


async def test_an_error_is_for_those_who_wait_and_the_next_one_tries_again() -> None:
    world = LiveWorld({"RETRIES": "0"}).script("a/one", after(1.0, fail(400)), answer())
    first, second = await asyncio.gather(ask(world), ask(world, at_s=0.5))

    third = await ask(world)

    assert first.status == second.status == 400
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert second.headers["x-gateway-cache"] == "joined"
    assert third.status == 200
    assert len(world.upstream.received) == 2


async def test_a_stream_that_was_cut_off_is_not_given_again() -> None:
    broken = CHAT.breaks_off("Hel")
    world = LiveWorld().script("a/one", broken, healthy_stream())

    first = await ask(world, stream=True)
    second = await ask(world, stream=True)

    assert CHAT.error_in(first.events)
    assert CHAT.is_complete(second.events)


async def test_a_repeat_is_free_when_the_budget_is_spent_and_counts_as_a_request() -> None:
    keys = one_key(budget={"day_usd": 0.000_02}, per_minute=10)
    world = LiveWorld({"GATEWAY_KEYS": keys, "UNKNOWN_PRICE_USD": "0.00002"})
    first = await ask(world)

    again, other = await ask(world), await ask(world, key="two")

    assert (first.status, again.status, other.status) == (200, 200, 402)
    assert again.headers["x-ratelimit-remaining"] == "8"


async def test_an_answer_that_is_lost_with_its_request_is_an_error_and_not_a_hang() -> None:
    world = LiveWorld()
    await ask(world)
    (lost,) = world.memory.shared_answers._answers.values()  # the runtime drops a request silently
    lost.outcome, lost.status = "", None

    got = await ask(world)

    assert (got.status, got.error["code"], got.headers["retry-after"]) == (503, "repeat_lost", "1")
    assert now_s() < shared_answers.DEAD_S + 1
    await asyncio.sleep(1)
    assert (await ask(world)).status == 200


async def test_a_stream_that_is_too_long_is_not_given_from_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared_answers, "MAX_ANSWER_BYTES", 4_000)
    texts = [CHAT.text("x" * 500) for _ in range(20)]
    paced = [step for each in texts for step in (each, 0.1)]
    world = LiveWorld().script("a/one", stream(*CHAT.opening, *paced, 2.0, *CHAT.closing))
    first = asyncio.ensure_future(ask(world, stream=True))
    await asyncio.sleep(3.0)

    got = await ask(world, stream=True)

    assert (got.status, got.error["code"]) == (409, "idempotency_key_outstanding")
    assert CHAT.texts_in((await first).events) == "x" * 10_000
    assert len(world.upstream.received) == 1
    assert (await ask(world, stream=True)).status == 200
    assert len(world.upstream.received) == 2


async def test_a_slow_client_holds_the_upstream_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_answers, "MAX_ANSWER_BYTES", 4_000)
    world = LiveWorld().script("a/one", stream(*CHAT.opening, *([CHAT.text("x" * 500)] * 100), *CHAT.closing))
    most = 0

    async def read_slowly(_: bytes) -> None:
        nonlocal most
        await asyncio.sleep(0.2)
        kept = world.memory.shared_answers._answers.values()  # what it must not exceed
        most = max([most, *(each.kept_bytes for each in kept)])

    headers = {"authorization": f"Bearer {TOKEN}", **KEY}
    got = await finish(await world.begin(chat("a/one", stream=True), headers=headers), on_write=read_slowly)

    assert CHAT.texts_in(got.events) == "x" * 50_000
    assert 0 < most < 12_000


async def test_a_stream_with_a_key_is_guarded_to_its_end() -> None:
    broken, complete = CHAT.breaks_off("Hel"), CHAT.streams("Hel", "lo.")
    world = LiveWorld({"STREAM_GUARD_EVENTS": "0"}).script("a/one", broken, complete)

    assert CHAT.error_in((await ask(world, stream=True)).events)
    assert CHAT.texts_in((await ask(world, stream=True)).events) == "Hello."
    assert CHAT.texts_in((await ask(world, stream=True)).events) == "Hello."
    assert len(world.upstream.received) == 2


@pytest.mark.parametrize("slow", [0, 1], ids=["first", "repeat"])
async def test_a_client_that_reads_too_slowly_gets_an_error_event(
    slow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_answers, "MAX_ANSWER_BYTES", 4_000)
    paced = [step for _ in range(40) for step in (CHAT.text("x" * 500), 0.1)]
    world = LiveWorld().script("a/one", stream(*CHAT.opening, *paced, *CHAT.closing))
    headers = {"authorization": f"Bearer {TOKEN}", **KEY}

    async def read_slowly(_: bytes) -> None:
        await asyncio.sleep(1.5)

    begun = [await world.begin(chat("a/one", stream=True), headers=headers) for _ in range(2)]
    ways = [read_slowly if place == slow else None for place in range(2)]
    got = await asyncio.gather(*(finish(each, on_write=way) for each, way in zip(begun, ways, strict=True)))

    assert CHAT.texts_in(got[1 - slow].events) == "x" * 20_000
    assert not CHAT.is_complete(got[slow].events)
    error = CHAT.error_in(got[slow].events)
    assert error is not None
    assert (error["code"], error["metadata"]["partial"]) == ("repeat_lost", True)


async def test_a_repeat_is_bound_by_its_budget_if_the_first_request_fails_meanwhile() -> None:
    dear = answer(usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 1.0})
    world = LiveWorld({"GATEWAY_KEYS": one_key(budget={"day_usd": 0.5}), "UNKNOWN_PRICE_USD": "0.1"})
    world.script("a/one", after(2.0, fail(400)), answer()).script("b/two", dear)
    world.cache.pause_s = 1.5
    first = asyncio.ensure_future(ask(world))
    await asyncio.sleep(0.1)
    await CHAT.ask(world, "b/two")
    await asyncio.sleep(1.4)
    world.memory.catalog.__init__()  # type: ignore[misc]  # so that the repeat waits for the model list

    again = await ask(world)

    assert (await first).status == 400
    assert (again.status, again.error["code"]) == (402, "budget_spent")
    assert world.upstream.models == ["a/one", "b/two"]


async def test_nothing_is_kept_after_the_end_if_the_setting_says_so() -> None:
    world = LiveWorld({"IDEMPOTENCY_S": "0"})
    await ask(world)
    await ask(world)

    assert len(world.upstream.received) == 2
    assert not world.memory.shared_answers._answers  # nothing may be left


async def test_a_bug_is_answered_and_logged_and_the_next_one_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = LiveWorld()

    async def fail_once(*_: object) -> None:
        monkeypatch.undo()
        await asyncio.sleep(1.0)
        raise ZeroDivisionError

    monkeypatch.setattr(generate, "execute", fail_once)
    first, second = await asyncio.gather(ask(world), ask(world, at_s=0.5))
    third = await ask(world)

    assert (first.status, first.error["code"]) == (500, "internal_error")
    assert (second.status, second.error["code"]) == (503, "repeat_lost")
    assert third.status == 200
    assert len(world.events("internal_error")) == 1
    await world.settle()
