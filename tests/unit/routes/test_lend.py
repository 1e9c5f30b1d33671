"""Lent keys: a part of a key, as a signed token that can only be tighter and ends with the key."""

import asyncio
import json
from hashlib import sha256

import pytest

from gateway.access.lent_key import MAX_CLAIMS_BYTES, MAX_LENT_S, lent_token
from gateway.memory.rates import MAX_KEYS
from gateway.routes.lend import DEFAULT_VALID_S
from gateway.settings.caller import Lent
from gateway.settings.keys import narrowed
from gateway.settings.settings import Settings
from tests.support.models import listing, model
from tests.support.sqlite_database import SqliteDatabase
from tests.support.stored_keys import KEYS, ask_with, code_with, keys_world, make, manage
from tests.support.upstream import answer
from tests.support.world import ENV, TOKEN, UPSTREAM_KEY, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
LEND = f"{KEYS}/lend"
ONE = f"{KEYS}/app"


async def lend(made: World, token: str, **fields: object) -> str:
    """Lend a part of a key; return its token."""
    got = await manage(made, "POST", LEND, fields, token=token)
    assert got.status == 201, got.body
    return str(got.json["token"])


def secret_world(**fields: object) -> World:
    """Return a gateway without a database, whose key ``one`` has these fields."""
    return (
        World({"GATEWAY_KEYS": one_key(**fields)}).script("a/one", answer("Hi")).script("b/two", answer("Hi"))
    )


async def test_a_part_of_a_key_is_lent_with_its_token() -> None:
    made = secret_world(models=["a/*", "b/two"])

    got = await manage(
        made, "POST", LEND, {"models": ["a/one"], "budget_usd": 0.5, "per_minute": 9, "valid_for_s": 60}
    )

    shown = dict(got.json)
    token = shown.pop("token")
    assert got.status == 201
    assert got.headers["cache-control"] == "no-store"
    assert shown == {
        "object": "lent_key",
        "id": shown["id"],
        "name": "one",
        "models": ["a/one"],
        "budget_usd": 0.5,
        "per_minute": 9,
        "expires_at": "2026-11-22T09:01:00Z",
    }
    assert await code_with(made, token) == "ok"
    assert (await ask_with(made, token, "b/two")).error["code"] == "model_not_allowed"


async def test_a_body_may_be_empty_and_then_all_of_the_key_is_lent_for_an_hour() -> None:
    made = secret_world()
    token = (await manage(made, "POST", LEND)).json["token"]
    assert await code_with(made, token) == "ok"

    await asyncio.sleep(DEFAULT_VALID_S - 1)
    assert await code_with(made, token) == "ok"
    await asyncio.sleep(1)
    assert await code_with(made, token) == "expired_key"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"models": []}, "models"),
        ({"models": "a/one"}, "models"),
        ({"models": ["c/three"]}, "models"),
        ({"models": ["*"]}, "models"),
        ({"models": ["a/*", "b/*"]}, "models"),
        ({"models": ["a/" + "x" * 200 + str(each) for each in range(9)]}, "models"),
        ({"budget_usd": 0}, "budget_usd"),
        ({"budget_usd": -1}, "budget_usd"),
        ({"budget_usd": 1e-9}, "budget_usd"),
        ({"budget_usd": "1"}, "budget_usd"),
        ({"budget_usd": True}, "budget_usd"),
        ({"per_minute": 0}, "per_minute"),
        ({"per_minute": 1.5}, "per_minute"),
        ({"valid_for_s": 0}, "valid_for_s"),
        ({"valid_for_s": MAX_LENT_S + 1}, "valid_for_s"),
        ({"valid_for_s": "60"}, "valid_for_s"),
    ],
)
async def test_the_error_for_a_wrong_field_names_it(fields: dict[str, object], param: str) -> None:
    got = await manage(secret_world(models=["a/*", "b/two"]), "POST", LEND, fields)

    assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_field", param)
    assert "xxx" not in got.error["message"]


@pytest.mark.parametrize("name", ["name", "admin", "budget", "limits", "expires", "token"])
async def test_other_fields_cannot_be_lent(name: str) -> None:
    got = await manage(secret_world(), "POST", LEND, {name: 1})

    assert (got.status, got.error["code"], got.error["param"]) == (400, "unknown_option", name)


async def test_nobody_lends_without_a_key_or_against_its_limits() -> None:
    for fields in ({"limits": {"no_lending": True}}, {"limits": {"no_lending": True}, "admin": True}):
        got = await manage(secret_world(**fields), "POST", LEND, {})
        assert (got.status, got.error["code"]) == (403, "not_allowed")
    made = secret_world()
    lent = await lend(made, TOKEN)
    assert (await manage(made, "POST", LEND, {}, token=lent)).error["code"] == "not_allowed"
    assert (await manage(made, "POST", LEND, {}, token="wrong")).error["code"] == "invalid_key"

    open_one = World({"GATEWAY_KEYS": "", "OPEN_ON_LOOPBACK": "true"})
    got = await finish(await open_one.begin({}, path=LEND, headers={}, host="localhost"))
    assert (got.status, got.error["code"]) == (403, "not_allowed")


async def test_a_lent_key_of_an_admin_is_no_admin_and_sees_no_usage() -> None:
    made = keys_world()
    lent = await lend(made, TOKEN)

    for method, path in (("GET", KEYS), ("POST", KEYS), ("GET", "/v1/usage"), ("GET", "/v1/usage?key=boss")):
        got = await manage(made, method, path, {"name": "x"} if method == "POST" else None, token=lent)
        assert (got.status, got.error["code"]) == (403, "not_allowed")
    assert (await manage(made, "GET", "/v1/key", token=lent)).json["admin"] is False


async def test_every_bound_of_the_key_still_holds() -> None:
    bounds = {
        "models": ["a/*"],
        "limits": {"max_tokens": 10, "models": ["a/one"]},
        "expires": "2026-11-22T09:00:30",
        "origins": ["https://app.example"],
    }
    made = secret_world(**bounds).script("a/two", answer("Hi"))
    lent = await lend(made, TOKEN, models=["a/one"], valid_for_s=3_600)
    wide = await lend(made, TOKEN)

    assert await code_with(made, wide) == "ok"
    assert made.upstream.received[-1].body["max_tokens"] == 10
    assert (await ask_with(made, wide, "a/two")).error["code"] == "model_not_allowed"
    headers = {"authorization": f"Bearer {lent}", "origin": "https://evil.example"}
    got = await finish(await made.begin(chat("a/one"), headers=headers))
    assert got.error["code"] == "origin_not_allowed"
    await asyncio.sleep(30)
    assert [await code_with(made, each) for each in (lent, wide)] == ["expired_key"] * 2


async def test_bounds_that_get_tighter_after_lending_hold_for_what_was_lent() -> None:
    made = keys_world()
    token = await make(made, models=["a/*"])
    lent = await lend(made, token, models=["a/one"])
    assert await code_with(made, lent) == "ok"

    await manage(made, "PATCH", ONE, {"models": ["b/*"]})
    assert await code_with(made, lent) == "model_not_allowed"
    await manage(made, "PATCH", ONE, {"models": ["a/*"], "expires": "2020-01-01"})
    assert await code_with(made, lent) == "expired_key"


async def test_a_revoked_key_takes_with_it_what_it_lent() -> None:
    made = keys_world()
    token = await make(made)
    lent = await lend(made, token)
    assert await code_with(made, lent) == "ok"

    await manage(made, "DELETE", ONE)
    assert await code_with(made, lent) == "revoked_key"
    await make(made)  # another key of the same name
    assert await code_with(made, lent) == "invalid_key"


async def test_what_a_token_lent_ends_with_that_token_after_a_rotation() -> None:
    made = keys_world()
    first = await make(made)
    lent = await lend(made, first)
    second = (await manage(made, "POST", f"{ONE}/rotate", {"valid_for_s": 100})).json["token"]
    newer = await lend(made, second)
    assert [await code_with(made, each) for each in (lent, newer)] == ["ok", "ok"]

    await asyncio.sleep(101)

    assert [await code_with(made, each) for each in (lent, newer)] == ["expired_key", "ok"]


async def test_a_key_that_leaves_the_secret_takes_with_it_what_it_lent() -> None:
    made = World({"GATEWAY_KEYS": f"one:{TOKEN}\nboss:another-token-of-16"}).script("a/one", answer("Hi"))
    lent = await lend(made, TOKEN)
    assert await code_with(made, lent) == "ok"

    made.env = {"GATEWAY_KEYS": "one:a-new-token-of-16-characters\nboss:another-token-of-16"}
    assert await code_with(made, lent) == "invalid_key"
    made.env = {"GATEWAY_KEYS": f"one:{TOKEN}", "OPENROUTER_API_KEY": "sk-or-v1-another"}
    assert await code_with(made, lent) == "invalid_key"


async def test_a_token_that_was_changed_anywhere_is_refused_without_a_query() -> None:
    made = keys_world()
    token = await make(made)
    lent = await lend(made, token, models=["a/one"])
    changed = [
        lent[:place] + ("0" if lent[place] != "0" else "1") + lent[place + 1 :]
        for place in range(8, len(lent))
    ]
    claims = json.loads(bytes.fromhex(lent.split("-")[2]))
    wider = json.dumps({**claims, "models": ["*"]}).encode().hex()
    forged = [
        f"oe-lent-{wider}-{lent[-64:]}",
        f"oe-lent--{lent[-64:]}",
        f"oe-lent-{'00' * (MAX_CLAIMS_BYTES + 1)}-{lent[-64:]}",
        f"oe-lent-0-{lent[-64:]}",
        lent[:-1],
        lent + "0",
        lent.upper(),
        "oe-lent-",
    ]
    before = made.database.batches

    assert {await code_with(made, each) for each in changed + forged} == {"invalid_key"}
    assert made.database.batches == before


async def test_a_token_of_another_gateway_is_refused() -> None:
    other = World({"GATEWAY_KEYS": one_key(), "OPENROUTER_API_KEY": "sk-or-v1-of-another-gateway"})

    assert await code_with(secret_world(), await lend(other, TOKEN)) == "invalid_key"


async def test_a_token_tells_neither_the_key_nor_a_digest_of_it() -> None:
    made = keys_world()
    token = await make(made)
    (row,) = made.database.rows("SELECT * FROM keys")

    lent = await lend(made, token)

    said = bytes.fromhex(lent.split("-")[2]).decode()
    for secret in (token, UPSTREAM_KEY, str(row["sha256"]), str(row["id"])):
        assert secret not in said + lent
    assert lent not in made.log_text + str(made.database.rows("SELECT * FROM key_changes"))


async def test_without_an_openrouter_key_nothing_is_lent_or_accepted() -> None:
    lent = await lend(secret_world(), TOKEN)
    made = World({"GATEWAY_KEYS": one_key(), "OPENROUTER_API_KEY": ""})

    assert (await manage(made, "POST", LEND, {})).error["code"] == "bad_setting"
    assert (await manage(made, "GET", "/v1/key", token=lent)).error["code"] == "invalid_key"


async def test_its_requests_count_for_its_own_rate_and_for_that_of_the_key() -> None:
    made = secret_world(per_minute=4)
    first, second = await lend(made, TOKEN, per_minute=2), await lend(made, TOKEN)  # two of the four

    got = [await ask_with(made, token) for token in (first, second, first)]

    assert [each.status for each in got] == [200, 200, 429]
    assert got[0].headers["x-ratelimit-limit"] == "2"
    assert await code_with(made, TOKEN) == "too_many_requests"
    await asyncio.sleep(61)
    codes = [await code_with(made, first) for _ in range(3)]
    assert codes == ["ok", "ok", "too_many_requests"]
    assert await code_with(made, second) == "ok"


async def test_the_headers_show_the_limit_that_has_fewer_requests_left() -> None:
    made = secret_world(per_minute=9)
    tight, wide = await lend(made, TOKEN, per_minute=2), await lend(made, TOKEN, per_minute=50)

    got = [await ask_with(made, each) for each in (tight, wide)]

    shown = [(each.headers["x-ratelimit-limit"], each.headers["x-ratelimit-remaining"]) for each in got]
    assert shown == [("2", "1"), ("9", "5")]


async def test_many_lent_keys_do_not_evict_the_counts_of_other_keys() -> None:
    entries = [{"name": "one", "token": TOKEN}, {"name": "two", "token": f"{TOKEN}-2", "per_minute": 1}]
    made = World({"GATEWAY_KEYS": json.dumps(entries)}).script("a/one", answer("Hi"))
    await code_with(made, f"{TOKEN}-2")
    settings, ends_at_s = Settings.from_env({**ENV, **made.env}.get), made.ports.now_s() + 60
    for number in range(MAX_KEYS + 1):
        part = Lent(id=f"{number:016x}", expires_at_s=ends_at_s, per_minute=5)
        token = lent_token(part, "one", sha256(TOKEN.encode()).digest(), settings)
        assert (await manage(made, "GET", "/v1/key", token=token)).status == 200

    assert await code_with(made, f"{TOKEN}-2") == "too_many_requests"


def priced_world() -> World:
    """Return a gateway with a database whose model costs 0.10 USD an answer, and the key ``app`` in it."""
    made = keys_world(BUDGET_HOLD="estimate")
    made.upstream.pages["/models"] = (listing(model("a/one")),)
    made.script(
        "a/one",
        answer("Hi", usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.1}),
    )
    return made


async def spend(made: World, token: str) -> Answer:
    got = await ask_with(made, token)
    await made.let_run()
    return got


async def test_its_budget_is_for_all_its_time_and_its_costs_are_those_of_the_key() -> None:
    made = priced_world()
    token = await make(made, budget={"day_usd": 5})
    lent, other = (
        await lend(made, token, budget_usd=0.25, valid_for_s=MAX_LENT_S),
        await lend(made, token, budget_usd=5, valid_for_s=MAX_LENT_S),
    )

    codes, told = [], ""
    for session in ("x", "y", None, "x"):
        headers = {"authorization": f"Bearer {lent}"}
        body = chat("a/one", session_id=session)
        got = await finish(await made.begin(body, headers=headers))
        await made.let_run()
        codes.append("ok" if got.status == 200 else got.error["code"])
        told = "" if got.status == 200 else got.error["message"]
        await asyncio.sleep(50_000)  # also over midnight

    assert codes == ["ok", "ok", "ok", "session_budget_spent"]
    assert "This lent key has spent" in told
    assert (await spend(made, other)).status == 200
    assert {row["key"] for row in made.database.rows("SELECT key FROM requests")} == {"app"}
    shown = (await manage(made, "GET", "/v1/key", token=lent)).json
    assert (shown["lent"]["spent_usd"], shown["lent"]["budget_usd"], shown["budgets"]) == (
        pytest.approx(0.3),
        0.25,
        [],
    )


async def test_the_budget_of_the_key_binds_what_it_lent() -> None:
    made = priced_world()
    token = await make(made, budget={"day_usd": 0.15})
    lent = [await lend(made, token) for _ in range(3)]

    codes = [(await spend(made, each)).status for each in lent]

    assert codes == [200, 200, 402]


async def test_a_ceiling_on_sessions_binds_all_requests_of_a_lent_key_together() -> None:
    made = priced_world()
    token = await make(made, limits={"max_session_usd": 0.15})
    lent = await lend(made, token, budget_usd=9)

    codes = [(await spend(made, lent)).status for _ in range(3)]

    assert codes == [200, 200, 402]


async def test_another_isolate_counts_what_was_spent_of_a_lent_budget() -> None:
    made = priced_world()
    lent = await lend(made, await make(made), budget_usd=0.15)
    for _ in range(2):
        await spend(made, lent)
    other = World(made.env, upstream=made.upstream, database=made.database)
    other.ids = 1_000_000

    assert (await spend(other, lent)).error["code"] == "session_budget_spent"


async def test_a_lent_key_shares_no_cached_answer_with_the_key() -> None:
    made = secret_world()
    for token in (TOKEN, await lend(made, TOKEN), await lend(made, TOKEN)):
        for _ in range(2):
            headers = {"authorization": f"Bearer {token}"}
            await made.begin(chat("a/one", gateway={"cache_ttl_s": 60}), headers=headers)
            await made.let_run()

    assert len(made.upstream.received) == 3


async def test_while_the_database_fails_a_lent_key_goes_by_what_is_remembered_of_its_key() -> None:
    made = keys_world()
    token = await make(made)
    lent, cold = await lend(made, token), await lend(made, await make(made, "cold"))
    assert await code_with(made, lent) == "ok"
    made.database.broken = True
    await asyncio.sleep(31)

    assert [await code_with(made, each) for each in (lent, cold)] == ["ok", "keys_unavailable"]


async def test_lent_keys_of_one_key_share_one_query() -> None:
    made = keys_world()
    token = await make(made)
    lent = [await lend(made, token) for _ in range(10)]
    made.database.pause_s = 0.3
    before = made.database.batches

    assert await asyncio.gather(*(code_with(made, each) for each in lent)) == ["ok"] * 10
    assert made.database.batches == before + 1


async def test_no_key_is_lent_for_longer_than_the_ledger_remembers() -> None:
    made = World({"GATEWAY_KEYS": one_key(), "LEDGER_DAYS": "1"}, database=SqliteDatabase())

    assert (await manage(made, "POST", LEND, {"valid_for_s": 86_400})).status == 201
    got = await manage(made, "POST", LEND, {"valid_for_s": 86_401})
    assert got.error["param"] == "valid_for_s"


@pytest.mark.parametrize(
    ("allowed", "wanted", "both"),
    [
        (None, None, None),
        (("a/*",), None, ("a/*",)),
        (None, ("a/*",), ("a/*",)),
        (("a/*",), ("a/one", "b/two"), ("a/one",)),
        (("a/one",), ("a/*",), ("a/one",)),
        (("*",), ("a/*",), ("a/*",)),
        (("a/o*", "b/*"), ("a/*", "b/two"), ("b/two", "a/o*")),
        (("a/*",), ("b/*",), ()),
        (("a/*",), ("a/*",), ("a/*",)),
    ],
)
def test_what_two_lists_of_models_allow_is_what_both_allow(
    allowed: tuple[str, ...] | None, wanted: tuple[str, ...] | None, both: tuple[str, ...] | None
) -> None:
    assert narrowed(allowed, wanted) == both


def test_the_session_of_a_lent_key_is_no_digest_of_a_session() -> None:
    assert not set(Lent(id="00ff", expires_at_s=0.0).session) <= set("0123456789abcdef")
