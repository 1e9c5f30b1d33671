"""When the database is asked about a token, and who is let in while it does not answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256

import pytest

from gateway.access.stored_key import POLL_S, TIMEOUT_S
from gateway.memory.isolate import Memory
from gateway.memory.stored_keys import (
    LOOKUPS_PER_MINUTE,
    MAX_KEYS,
    MAX_UNKNOWN,
    PAUSE_S,
    STALE_S,
    Reading,
    StoredKeys,
)
from gateway.settings.keys import GatewayKey
from tests.support.sqlite_database import SqliteDatabase
from tests.support.stored_keys import KEYS, ask_with, code_with, keys_world, make, manage
from tests.support.upstream import accept_key
from tests.support.world import TOKEN, World, chat, now_s

pytestmark = pytest.mark.anyio
CACHE_S = 30
UNKNOWN = "oe-" + "0" * 64
ONE = f"{KEYS}/app"


def other_isolate(made: World) -> World:
    """Return another isolate of the same gateway: the same database, and a memory of its own."""
    other = World(made.env, upstream=made.upstream, database=made.database)
    other.ids = 1_000_000
    return other


async def asked_by(made: World, work: Callable[[], Awaitable[object]]) -> int:
    """Return how often the database is asked while ``work`` runs; rows of requests are not written."""
    before = made.database.batches
    await work()
    return made.database.batches - before


async def test_a_key_is_looked_up_once_and_again_when_the_reading_is_too_old() -> None:
    made = keys_world()
    token = await make(made)

    async def two() -> None:
        assert [await code_with(made, token) for _ in range(2)] == ["ok"] * 2

    assert await asked_by(made, two) == 1
    await asyncio.sleep(CACHE_S)
    assert await asked_by(made, two) == 0
    await asyncio.sleep(1)
    assert await asked_by(made, two) == 1


@pytest.mark.parametrize("cache_s", ["5", "3600"])
async def test_how_long_a_reading_counts_can_be_set(cache_s: str) -> None:
    made = keys_world(KEY_CACHE_S=cache_s)
    token = await make(made)
    await code_with(made, token)

    await asyncio.sleep(int(cache_s) - 1)
    assert await asked_by(made, lambda: code_with(made, token)) == 0
    await asyncio.sleep(2)
    assert await asked_by(made, lambda: code_with(made, token)) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "then"),
    [
        ("DELETE", ONE, None, "revoked_key"),
        ("PATCH", ONE, {"models": ["b/*"]}, "model_not_allowed"),
        ("PATCH", ONE, {"expires": "2020-01-01"}, "expired_key"),
        ("POST", f"{ONE}/rotate", {"valid_for_s": 0}, "invalid_key"),
    ],
)
async def test_a_change_holds_in_every_isolate_within_key_cache_s(
    method: str, path: str, body: object, then: str
) -> None:
    made = keys_world()
    token = await make(made)
    isolates = [other_isolate(made) for _ in range(3)]
    for each in isolates:
        assert await code_with(each, token) == "ok"

    await manage(made, method, path, body)

    assert await code_with(made, token) == then
    await asyncio.sleep(CACHE_S + 0.1)
    assert [await code_with(each, token) for each in isolates] == [then] * 3


async def test_an_old_token_ends_on_time_whatever_is_remembered() -> None:
    made = keys_world()
    first = await make(made)
    await manage(made, "POST", f"{ONE}/rotate", {"valid_for_s": 10})
    assert await code_with(made, first) == "ok"

    await asyncio.sleep(10)

    assert await asked_by(made, lambda: code_with(made, first)) == 0
    assert await code_with(made, first) == "expired_key"


async def test_an_unknown_token_is_looked_up_once_and_then_refused_from_memory() -> None:
    made = keys_world()

    async def three() -> None:
        assert [await code_with(made, UNKNOWN) for _ in range(3)] == ["invalid_key"] * 3

    assert await asked_by(made, three) == 1
    await asyncio.sleep(CACHE_S + 1)
    assert await asked_by(made, three) == 1


@pytest.mark.parametrize(
    "token",
    [
        "wrong",
        "oe-",
        "oe-" + "0" * 63,
        "oe-" + "0" * 65,
        "oe-" + "G" * 64,
        "oe-" + "A" * 64,
        "sk-or-v1-x",
        "oe-x\0",
    ],
    ids=lambda token: f"{token[:8]!r} of {len(token)}",
)
async def test_a_token_of_another_form_asks_nobody(token: str) -> None:
    made = keys_world()

    assert await code_with(made, token) == "invalid_key"
    assert made.database.batches == 0


async def test_a_key_of_the_secret_asks_nobody() -> None:
    made = keys_world()
    made.env = {**made.env, "GATEWAY_KEYS": json.dumps([{"name": "boss", "token": UNKNOWN}])}

    assert await code_with(made, UNKNOWN) == "ok"
    assert made.database.batches == 0


async def test_requests_with_the_same_token_share_one_query() -> None:
    made = keys_world()
    token = await make(made)
    made.database.pause_s = 0.5

    async def crowd() -> None:
        codes = await asyncio.gather(*(code_with(made, each) for each in [token, UNKNOWN] * 20))
        assert codes == ["ok", "invalid_key"] * 20

    assert await asked_by(made, crowd) == 2


async def test_a_lookup_that_was_dropped_delays_others_only_for_its_time_limit() -> None:
    made = keys_world()
    token = await make(made)
    made.database.pause_s = 1.0
    first = asyncio.create_task(ask_with(made, token))
    await asyncio.sleep(0.5)
    digest = sha256(token.encode()).digest()
    assert made.memory.stored_keys.lookups.is_in_flight(digest, now_s=made.ports.now_s())
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    began_s = now_s()
    assert await code_with(made, token) == "ok"
    assert now_s() - began_s <= TIMEOUT_S + 1.0 + POLL_S


@pytest.mark.parametrize("state", ["broken", "slow"])
async def test_without_the_database_known_keys_go_on_and_unknown_ones_do_not_get_in(state: str) -> None:
    made = keys_world()
    known, cold = await make(made), await make(made, "cold")
    assert await code_with(made, known) == "ok"
    made.database.broken = state == "broken"
    made.database.pause_s = 3_000.0 if state == "slow" else 0.0
    await asyncio.sleep(CACHE_S + 1)

    began_s = now_s()
    assert await code_with(made, known) == "ok"
    assert now_s() - began_s <= TIMEOUT_S
    await asyncio.sleep(PAUSE_S)
    began_s = now_s()
    for token in (cold, UNKNOWN):
        got = await ask_with(made, token)
        assert (got.status, got.error["code"]) == (503, "keys_unavailable")
        assert got.headers["retry-after"] == "2"
        assert got.error["metadata"]["retryable"] is True
    assert now_s() - began_s <= TIMEOUT_S
    assert made.upstream.received
    assert made.events("keys_not_read")


async def test_after_a_failure_the_database_is_not_asked_for_a_moment_and_then_again() -> None:
    made = keys_world()
    token = await make(made)
    made.database.broken = True

    async def crowd() -> None:
        codes = await asyncio.gather(*(code_with(made, token) for _ in range(50)))
        assert codes == ["keys_unavailable"] * 50

    assert await asked_by(made, crowd) == 1
    made.database.broken = False
    assert await code_with(made, token) == "keys_unavailable"
    await asyncio.sleep(PAUSE_S)
    assert await code_with(made, token) == "ok"


async def test_a_key_is_remembered_for_an_hour_without_the_database_and_no_longer() -> None:
    made = keys_world()
    token = await make(made)
    assert await code_with(made, token) == "ok"
    made.database.broken = True

    await asyncio.sleep(STALE_S - 1)
    assert await code_with(made, token) == "ok"
    await asyncio.sleep(PAUSE_S + 1)
    assert await code_with(made, token) == "keys_unavailable"


async def test_a_revoked_or_expired_key_does_not_get_in_while_the_database_fails() -> None:
    made = keys_world()
    revoked = await make(made)
    await manage(made, "DELETE", ONE)
    expiring = await make(made, "expiring", expires="2026-11-22T09:00:10")
    assert [await code_with(made, each) for each in (revoked, expiring)] == ["revoked_key", "ok"]
    made.database.broken = True

    await asyncio.sleep(CACHE_S + 1)

    assert [await code_with(made, each) for each in (revoked, expiring)] == ["revoked_key", "expired_key"]


async def test_guessing_cannot_flood_the_database_and_known_keys_go_on() -> None:
    made = keys_world()
    known, cold = await make(made), await make(made, "cold")
    assert await code_with(made, known) == "ok"

    async def guess() -> None:
        codes = [await code_with(made, f"oe-{number:064x}") for number in range(LOOKUPS_PER_MINUTE + 200)]
        assert codes[-200:] == ["keys_unavailable"] * 200

    assert await asked_by(made, guess) < LOOKUPS_PER_MINUTE
    assert await code_with(made, known) == "ok"
    got = await ask_with(made, cold)
    assert (got.status, got.error["code"]) == (503, "keys_unavailable")
    assert 0 < int(got.headers["retry-after"]) <= 60
    await asyncio.sleep(CACHE_S + 1)
    assert await code_with(made, known) == "ok"  # its row is read again: it counts as known
    await asyncio.sleep(60)
    assert await code_with(made, cold) == "ok"


def test_what_is_remembered_is_bounded_and_guesses_evict_no_key() -> None:
    keys = StoredKeys()
    for number in range(2 * MAX_KEYS):
        key = GatewayKey(name=f"key-{number}", digest=b"%d" % number)
        keys.note(key.digest, Reading((key,), 0.0))
    for number in range(2 * MAX_UNKNOWN):
        keys.note(b"guess-%d" % number, Reading((), 0.0))

    def count(prefix: bytes, numbers: int) -> int:
        found = (keys.reading(prefix + b"%d" % each, now_s=0.0, max_age_s=1.0) for each in range(numbers))
        return sum(each is not None for each in found)

    assert (count(b"", 2 * MAX_KEYS), count(b"guess-", 2 * MAX_UNKNOWN)) == (MAX_KEYS, MAX_UNKNOWN)
    assert keys.is_known(b"%d" % (2 * MAX_KEYS - 1))


def test_the_key_that_was_not_used_for_longest_is_forgotten_first() -> None:
    keys = StoredKeys()
    for number in range(MAX_KEYS):
        keys.note(b"%d" % number, Reading((GatewayKey(name="x", digest=b"%d" % number),), 0.0))
    keys.reading(b"0", now_s=0.0, max_age_s=1.0)
    keys.note(b"new", Reading((GatewayKey(name="new", digest=b"new"),), 0.0))

    assert [keys.is_known(each) for each in (b"0", b"1", b"new")] == [True, False, True]


async def test_memory_holds_digests_and_no_token() -> None:
    made = keys_world()
    token = await make(made)
    await code_with(made, token)
    await code_with(made, UNKNOWN)

    text = repr([vars(made.memory.stored_keys), made.memory])
    assert token not in text
    assert UNKNOWN not in text


@pytest.mark.parametrize("wrong", [UNKNOWN, "wrong", "sk-or-x"])
async def test_a_wrong_key_beside_one_of_the_database_is_ignored(wrong: str) -> None:
    made = keys_world()
    token = await make(made)

    for first, second in ((wrong, token), (token, wrong)):
        headers = {"authorization": f"Bearer {first}", "x-api-key": second}
        assert (await made.get("/v1/key", headers=headers)).json["name"] == "app"


async def test_a_key_of_the_secret_goes_before_one_of_the_database() -> None:
    made = keys_world()
    token = await make(made)

    headers = {"authorization": f"Bearer {token}", "x-api-key": TOKEN}
    assert (await made.get("/v1/key", headers=headers)).json["name"] == "boss"


async def test_an_openrouter_key_beside_a_revoked_one_is_used() -> None:
    made = keys_world(ALLOW_CLIENT_KEYS="true")
    made.upstream.pages["/key"] = (accept_key,)
    token = await make(made)
    await manage(made, "DELETE", ONE)

    headers = {"authorization": f"Bearer {token}", "x-api-key": "sk-or-v1-my-own"}
    assert (await made.begin(chat("a/one"), headers=headers)).status == 200


async def test_limits_budgets_and_rates_of_a_key_of_the_database_bind_and_go_by_its_name() -> None:
    made = keys_world(BUDGET_HOLD="worst")
    token = await make(made, per_minute=2, budget={"day_usd": 5}, origins=["https://app.example"])
    await ask_with(made, token)
    await made.let_run()

    (row,) = made.database.rows("SELECT key FROM requests")
    assert row == {"key": "app"}
    shown = await made.get("/v1/key", headers={"x-api-key": token})
    assert (shown.json["name"], shown.json["budgets"][0]["limit_usd"]) == ("app", 5)
    assert await code_with(made, token) == "too_many_requests"
    await asyncio.sleep(61)
    headers = {"x-api-key": token, "origin": "https://evil.example"}
    assert (await made.get("/v1/key", headers=headers)).error["code"] == "origin_not_allowed"


async def test_two_keys_of_one_name_share_no_cached_answer() -> None:
    made = keys_world()
    for _ in range(2):
        token = await make(made)
        for _ in range(2):
            headers = {"authorization": f"Bearer {token}"}
            await made.begin(chat("a/one", gateway={"cache_ttl_s": 60}), headers=headers)
            await made.let_run()
        await manage(made, "DELETE", ONE)

    assert len(made.upstream.received) == 2  # one for each key


async def test_on_loopback_a_token_that_is_not_known_for_sure_does_not_get_in() -> None:
    made = World({"GATEWAY_KEYS": "", "OPEN_ON_LOOPBACK": "true"}, database=SqliteDatabase())

    async def name_or_code(token: str) -> str:
        headers = {"authorization": f"Bearer {token}"}
        got = await made.begin(b"", method="GET", path="/v1/key", headers=headers, host="localhost")
        assert isinstance(got.body, bytes)
        shown = json.loads(got.body)
        return str(shown["name"] if got.status == 200 else shown["error"]["code"])

    created = await made.begin({"name": "app"}, path=KEYS, headers={}, host="localhost")
    assert isinstance(created.body, bytes)
    token = json.loads(created.body)["token"]

    assert await name_or_code(token) == "app"
    await made.begin(b"", method="DELETE", path=ONE, headers={}, host="localhost")
    assert await name_or_code(token) == "revoked_key"
    made.memory = Memory()
    made.database.broken = True
    assert await name_or_code(token) == "keys_unavailable"


PAGE = "https://app.example"


async def preflight(made: World, origin: str = PAGE) -> str | None:
    """Return the origin that a preflight allows."""
    got = await made.get("/v1/key", method="OPTIONS", headers={"origin": origin})
    assert got.status == 204
    return got.headers.get("access-control-allow-origin")


async def test_a_page_of_an_origin_of_a_key_of_the_database_may_call() -> None:
    made = keys_world()
    assert await preflight(made) is None
    token = await make(made, origins=[PAGE])

    assert await preflight(made) == PAGE
    assert await preflight(made, "https://evil.example") is None
    got = await made.get("/v1/key", headers={"origin": PAGE, "x-api-key": token})
    assert (got.status, got.headers["access-control-allow-origin"]) == (200, PAGE)
    got = await made.get("/v1/key", headers={"origin": PAGE, "x-api-key": TOKEN})
    assert "access-control-allow-origin" not in got.headers
    got = await made.get("/v1/key", headers={"origin": "https://evil.example", "x-api-key": token})
    assert "access-control-allow-origin" not in got.headers


@pytest.mark.parametrize(
    ("method", "body"), [("DELETE", None), ("PATCH", {"origins": None}), ("PATCH", {"expires": "2020-01-01"})]
)
async def test_an_origin_that_no_key_allows_any_longer_is_refused(method: str, body: object) -> None:
    made = keys_world()
    await make(made, origins=[PAGE])
    other = other_isolate(made)
    assert [await preflight(each) for each in (made, other)] == [PAGE] * 2

    await manage(made, method, ONE, body)
    await asyncio.sleep(CACHE_S + 1)

    assert [await preflight(each) for each in (made, other)] == [None] * 2


async def test_preflights_ask_the_database_seldom_and_not_for_origins_that_are_set() -> None:
    made = keys_world(CORS_ORIGINS="https://set.example")

    async def many() -> None:
        origins = [f"https://{number}.example" for number in range(50)]
        assert await asyncio.gather(*(preflight(made, each) for each in origins)) == [None] * 50
        assert await preflight(made, "https://set.example") == "https://set.example"

    assert await asked_by(made, many) == 1
    made.database.broken = True
    assert await asked_by(made, many) == 0
    await asyncio.sleep(CACHE_S + 1)
    assert await asked_by(made, many) == 1


async def test_a_key_that_is_remembered_counts_beside_one_that_cannot_be_looked_up() -> None:
    made = keys_world()
    known = await make(made)
    await code_with(made, known)
    made.database.broken = True

    for first, second in ((UNKNOWN, known), (known, UNKNOWN)):
        headers = {"authorization": f"Bearer {first}", "x-api-key": second}
        assert (await made.begin(chat("a/one"), headers=headers)).status == 200
