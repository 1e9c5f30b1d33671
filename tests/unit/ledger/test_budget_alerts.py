import asyncio
import json

import httpx
import pytest

from gateway.ledger.budget_alerts import LEDGER_TIMEOUT_S, POST_TRIES, RESEND_S, send_alerts
from gateway.ledger.write import PAUSES_S, WRITE_TIMEOUT_S
from gateway.memory.spending import EVERYBODY
from gateway.pipeline.budget import Account
from gateway.settings.budget import Budget
from tests.support.httpx_transport import HttpxTransport
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import HANG, Body
from tests.support.world import EPOCH_S, World, now_s

pytestmark = pytest.mark.anyio
TODAY = "2026-11-22"
BACKGROUND_S = 30.0  # what the runtime allows for work after a response
HOOK = "https://hooks.example/services/canary?x=1"
ONE = Account(key="one", budget=Budget(day_micros=1_000_000))


HANG_S = 10_000.0


class Hook(httpx.AsyncBaseTransport):
    """A fake webhook. It answers with the given statuses in order, and then always with the last one."""

    def __init__(self, *statuses: int, hangs: bool = False, hangs_in_body: bool = False) -> None:
        self.statuses = [*statuses]
        self.hangs = hangs
        self.hangs_in_body = hangs_in_body
        self.texts: list[str] = []
        self.urls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        self.texts.append(json.loads(await request.aread())["text"])
        assert "authorization" not in request.headers
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if self.hangs:
            await asyncio.sleep(HANG_S)
        return httpx.Response(status, stream=Body((HANG,))) if self.hangs_in_body else httpx.Response(status)


def isolate(hook: Hook, database: SqliteDatabase) -> World:
    world = World(database=database)
    world.transport = HttpxTransport(hook)
    return world


def spent(world: World, micros: int, *, key: str = "one") -> World:
    world.database.rows("INSERT OR REPLACE INTO spend VALUES (?, ?, ?, 1)", key, TODAY, micros)
    for each in (key, EVERYBODY):
        world.memory.spending.end_reading(each, {TODAY: micros, TODAY[:7]: micros}, begun_at_s=EPOCH_S)
    return world


async def send(accounts: tuple[Account, ...], world: World) -> None:
    await send_alerts(accounts, HOOK, world.ports, world.memory.spending)


async def test_each_threshold_is_announced_once() -> None:
    hook, database = Hook(200), SqliteDatabase()
    world = isolate(hook, database)

    for micros in (100_000, 500_000, 510_000, 800_000, 1_000_000, 1_200_000):
        await send((ONE,), spent(world, micros))

    assert [text.split("%")[0] for text in hook.texts] == [
        f"openrouter-edge: {percent} " for percent in (50, 80, 100)
    ]
    assert hook.texts[0] == (
        "openrouter-edge: 50 % of the daily budget of the key one is spent: $0.50 of $1.00. "
        "The budget resets at 2026-11-23T00:00:00Z."
    )
    assert set(hook.urls) == {HOOK}


@pytest.mark.parametrize(
    ("limit", "micros", "amounts"),
    [
        (1, 1, "$0.000001 of $0.000001"),
        (1_000, 500, "$0.0005 of $0.001"),
        (15_000, 12_345, "$0.012345 of $0.015"),
        (2_000_000, 1_999_999, "$2.00 of $2.00"),
        (5_000_000_000, 2_500_000_000, "$2,500.00 of $5,000.00"),
    ],
)
async def test_amounts_have_the_digits_that_they_need(limit: int, micros: int, amounts: str) -> None:
    hook = Hook(200)
    account = Account(key="one", budget=Budget(day_micros=limit))

    await send((account,), spent(isolate(hook, SqliteDatabase()), micros))

    assert f"is spent: {amounts}. The budget resets" in hook.texts[0]


async def test_many_isolates_send_one_alert() -> None:
    hook, database = Hook(200), SqliteDatabase()
    isolates = [isolate(hook, database) for _ in range(10)]

    await asyncio.gather(*(send((ONE,), spent(each, 600_000)) for each in isolates))

    assert len(hook.texts) == 1


async def test_passing_all_thresholds_at_once_announces_each() -> None:
    hook = Hook(200)

    await send((ONE,), spent(isolate(hook, SqliteDatabase()), 1_000_000))

    assert len(hook.texts) == 3


async def test_an_alert_names_the_budget_of_all_keys() -> None:
    hook = Hook(200)
    everybody = Account(key=EVERYBODY, budget=Budget(month_micros=1_000_000))

    await send((everybody,), spent(isolate(hook, SqliteDatabase()), 550_000))

    assert "50 % of the monthly budget of all keys together" in hook.texts[0]


async def test_an_isolates_own_estimate_alone_sends_no_alert() -> None:
    hook, world = Hook(200), isolate(Hook(200), SqliteDatabase())
    world.memory.spending.hold("one", "t", 900_000, now_s=EPOCH_S)

    await send((ONE,), world)

    assert hook.texts == []
    assert world.database.rows("SELECT * FROM alerts") == []


async def test_a_webhook_that_fails_is_tried_again_and_then_logged_without_its_url() -> None:
    hook = Hook(500, 500, 200)
    await send((ONE,), spent(isolate(hook, SqliteDatabase()), 500_000))
    assert len(hook.texts) == 3

    hook = Hook(500)
    world = isolate(hook, SqliteDatabase())
    await send((ONE,), spent(world, 500_000))
    assert len(hook.texts) == POST_TRIES
    assert [line["error"] for line in world.events("alert_failed")] == ["webhook"]
    assert "canary" not in world.log_text


async def test_the_body_of_a_webhooks_reply_is_not_read() -> None:
    hook = Hook(200, hangs_in_body=True)
    world = isolate(hook, SqliteDatabase())

    await send((ONE,), spent(world, 500_000))

    assert [reply.aborted for reply in world.transport.replies] == [True]
    assert world.events("alert_failed") == []


async def test_an_alert_to_a_webhook_that_does_not_reply_may_have_arrived_and_is_not_sent_again() -> None:
    hook = Hook(200, hangs=True)
    world = isolate(hook, SqliteDatabase())

    await send((ONE,), spent(world, 500_000))

    assert [line["error"] for line in world.events("alert_failed")] == ["TimeoutError"]
    await asyncio.sleep(RESEND_S)
    await send((ONE,), spent(world, 500_000))
    assert len(hook.texts) == 1


async def test_an_alert_that_the_webhook_did_not_take_is_sent_again_a_minute_later() -> None:
    hook = Hook(500, 500, 500, 200)
    world = isolate(hook, SqliteDatabase())
    await send((ONE,), spent(world, 500_000))
    await send((ONE,), spent(world, 510_000))
    assert len(hook.texts) == POST_TRIES

    await asyncio.sleep(RESEND_S)
    for _ in range(2):
        await send((ONE,), spent(world, 520_000))

    assert len(hook.texts) == POST_TRIES + 1
    assert "50 %" in hook.texts[-1]


async def test_an_alert_for_a_tiny_budget_shows_its_amounts() -> None:
    hook = Hook(200)
    tiny = Account(key="one", budget=Budget(day_micros=20))
    await send((tiny,), spent(isolate(hook, SqliteDatabase()), 10))

    assert "$0.00001 of $0.00002" in hook.texts[0]


async def test_even_if_everything_hangs_all_tries_fit_into_the_time_for_background_work() -> None:
    hook = Hook(200, hangs=True)
    world = isolate(hook, SqliteDatabase())
    limits = Budget(day_micros=1_000_000, month_micros=1_000_000)
    world.database.pause_s = LEDGER_TIMEOUT_S - 0.001

    accounts = tuple(Account(key=key, budget=limits) for key in ("one", EVERYBODY))
    await send(accounts, spent(world, 1_000_000))

    assert len(hook.texts) == 2 * 2 * 3
    write_s = WRITE_TIMEOUT_S * (1 + len(PAUSES_S)) + sum(PAUSES_S)
    assert write_s + now_s() <= BACKGROUND_S


async def test_a_failing_ledger_sends_no_alert_and_raises_nothing() -> None:
    hook = Hook(200)
    world = isolate(hook, SqliteDatabase())
    spent(world, 500_000)
    world.database.broken = True

    await send((ONE,), world)

    assert hook.texts == []
    assert world.events("alert_failed")


@pytest.mark.parametrize("url", ["", HOOK])
async def test_without_a_webhook_or_a_ledger_nothing_is_done(url: str) -> None:
    hook = Hook(200)
    world = isolate(hook, SqliteDatabase(bound=not url))

    await send_alerts((ONE,), url, world.ports, world.memory.spending)

    assert (hook.texts, world.database.batches) == ([], 0)
