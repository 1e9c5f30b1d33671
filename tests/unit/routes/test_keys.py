"""Keys that admins make, list, change, rotate and revoke while the gateway runs."""

import json
import re
from hashlib import sha256
from typing import Any

import pytest

from gateway.access.key_table import MAX_PAGE, MAX_VALID_S, SHOWN_CHANGES
from gateway.routes.key_body import MAX_BYTES
from gateway.settings.key_fields import FIELDS
from gateway.settings.keys import as_keys
from tests.support.stored_keys import ADMIN, KEYS, ask_with, code_with, keys_world, make, manage
from tests.support.world import World

pytestmark = pytest.mark.anyio
FULL: dict[str, Any] = {
    "models": ["a/*", "task/code"],
    "admin": False,
    "expires": "2099-01-31",
    "budget": {"day_usd": 2, "month_usd": 20.5},
    "per_minute": 60,
    "concurrent": 4,
    "options": {"retries": 0, "patience": "short"},
    "limits": {"max_cost_usd": 0.05, "strict": True, "plugins": []},
    "origins": ["https://app.example"],
}
ONE = f"{KEYS}/app"
EVERY = [
    ("POST", KEYS),
    ("GET", KEYS),
    ("GET", ONE),
    ("PATCH", ONE),
    ("DELETE", ONE),
    ("POST", f"{ONE}/rotate"),
]


async def test_a_key_is_made_with_a_token_that_is_shown_once_and_lets_in() -> None:
    made = keys_world()

    got = await manage(made, "POST", body={"name": "app", "models": ["a/one"]})

    assert got.status == 201
    token = got.json["token"]
    assert re.fullmatch("oe-[0-9a-f]{64}", token)
    assert (got.json["object"], got.json["name"], got.json["state"]) == ("gateway_key", "app", "active")
    assert got.headers["cache-control"] == "no-store"
    assert (await ask_with(made, token)).status == 200
    assert (await ask_with(made, token, header="x-api-key")).status == 200
    assert (await ask_with(made, token, "b/two")).error["code"] == "model_not_allowed"
    shown = await manage(made, "GET", ONE)
    assert "token" not in shown.json


async def test_the_database_and_the_log_hold_no_token_and_answers_no_digest() -> None:
    made = keys_world()
    first = await make(made, **FULL)
    second = (await manage(made, "POST", f"{ONE}/rotate")).json["token"]

    rows = str(made.database.rows("SELECT * FROM keys") + made.database.rows("SELECT * FROM key_changes"))
    shown = (await manage(made, "GET", ONE)).body + (await manage(made, "GET")).body
    for token in (first, second):
        digest = sha256(token.encode()).hexdigest()
        assert digest in rows
        assert token not in rows + made.log_text
        assert token.encode() not in shown
        assert digest.encode() not in shown


async def test_a_key_has_the_fields_of_the_secret_and_is_shown_as_it_was_made() -> None:
    made = keys_world()
    assert set(FULL) == set(FIELDS)

    token = await make(made, **FULL)

    shown = (await manage(made, "GET", ONE)).json
    assert {name: shown[name] for name in FULL} == FULL
    (in_secret,) = as_keys(json.dumps([{"name": "app", "token": token, **FULL}]))
    await ask_with(made, token)
    (reading,) = made.memory.stored_keys._known.values()  # what the gateway goes by
    (stored,) = reading.keys
    assert all(
        getattr(stored, attribute) == getattr(in_secret, attribute) for attribute, _ in FIELDS.values()
    )


async def test_fields_that_are_not_set_are_null() -> None:
    made = keys_world()

    got = await manage(made, "POST", body={"name": "app", "models": None})

    assert {got.json[name] for name in FIELDS} == {None}
    assert [got.json[name] for name in ("revoked_at", "old_token_until")] == [None, None]
    assert got.json["created_at"] == got.json["changed_at"] == "2026-11-22T09:00:00Z"


WRONG = {
    "models": ([], "a/one", [1], ["a one"]),
    "admin": ("yes", 1),
    "expires": ("tomorrow", 5),
    "budget": (5, {"week_usd": 1}, {"day_usd": -1}, {"day_usd": "1"}),
    "per_minute": (0, 1.5, True, "60"),
    "concurrent": (-1, []),
    "options": ([], {"nothing": 1}, {"deadline_ms": 0}),
    "limits": ([], {"nothing": 1}, {"max_tokens": 0}),
    "origins": ([], ["https://app.example/path"], "https://app.example"),
}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(("field", "value"), [(name, each) for name, all_ in WRONG.items() for each in all_])
async def test_the_error_for_a_wrong_field_names_it(method: str, field: str, value: object) -> None:
    made = keys_world()
    named = {"name": "app"} if method == "POST" else {}

    got = await manage(made, method, KEYS if method == "POST" else ONE, {**named, field: value})

    assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_field", field)
    assert f"`{field}`" in got.error["message"]
    assert made.database.rows("SELECT * FROM keys") == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a/b",
        "x" * 65,
        "-a",
        "äpp",
        5,
        [],
        "own-key",
        "loopback",
        "loopback2",
        "*",
        "lend",
        "app\n",
    ],
)
async def test_a_wrong_name_is_refused(name: object) -> None:
    got = await manage(keys_world(), "POST", body={"name": name})

    assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_field", "name")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"", "invalid_json", None),
        (b"[]", "invalid_body", None),
        (b'{"name": "app"', "invalid_json", None),
        (b'{"name": "app", "name": "b"}', "invalid_json", "name"),
        (b'{"name": "app", "per_minute": 1e999}', "invalid_json", None),
        (b"{}", "missing_field", "name"),
        (b'{"name": null}', "missing_field", "name"),
        (b'{"name": "app", "token": "mine-of-16-characters"}', "unknown_option", "token"),
        (b'{"name": "app", "sha256": "00"}', "unknown_option", "sha256"),
        (b'{"name": "app", "can ary": 1}', "unknown_option", "\u2026"),
        (b'{"name": "app", "base_url": "https://a.example"}', "refused_field", "base_url"),
        (b'{"name": "app", "models": ["' + b"a" * MAX_BYTES + b'"]}', "body_too_large", "body"),
    ],
)
async def test_a_wrong_body_makes_nothing(body: bytes, code: str, param: str | None) -> None:
    made = keys_world()

    got = await manage(made, "POST", body=body)

    assert (got.error["code"], got.error["param"]) == (code, param)
    assert made.database.batches == 0


async def test_a_name_is_taken_until_its_key_is_revoked() -> None:
    made = keys_world()
    first = await make(made, per_minute=5)

    again = await manage(made, "POST", body={"name": "app"})
    assert (again.status, again.error["code"], again.error["param"]) == (409, "key_exists", "name")
    assert await code_with(made, first) == "ok"

    await manage(made, "DELETE", ONE)
    second = await make(made)
    assert await code_with(made, first) == "invalid_key"
    assert await code_with(made, second) == "ok"
    assert (await manage(made, "GET", ONE)).json["per_minute"] is None


async def test_a_name_of_the_secret_is_a_conflict_and_the_secret_goes_first() -> None:
    made = keys_world()
    token = await make(made)
    got = await manage(made, "POST", body={"name": "boss"})
    assert (got.status, got.error["code"], got.error["param"]) == (409, "key_in_secret", "name")
    for method, path in EVERY[2:]:
        body = {"per_minute": 1} if method == "PATCH" else None
        got = await manage(made, method, path.replace("app", "boss"), body)
        assert (got.status, got.error["code"]) == (409, "key_in_secret")

    both = [ADMIN, {"name": "app", "token": "the-token-of-the-secret"}]
    made.env = {**made.env, "GATEWAY_KEYS": json.dumps(both)}
    assert await code_with(made, token) == "invalid_key"
    assert await code_with(made, "the-token-of-the-secret") == "ok"
    listed = (await manage(made, "GET")).json
    assert [each["state"] for each in listed["data"]] == ["in_secret"]
    assert listed["in_secret"] == ["app", "boss"]
    assert (await manage(made, "DELETE", ONE)).json["state"] == "revoked"


async def test_a_field_that_is_changed_is_replaced_null_removes_it_and_others_stay() -> None:
    made = keys_world()
    token = await make(made, **FULL)

    changed = {"budget": {"day_usd": 1}, "per_minute": None, "limits": {"retries": None, "max_tokens": 9}}
    got = await manage(made, "PATCH", ONE, changed)

    wanted = {**FULL, "budget": {"day_usd": 1}, "per_minute": None, "limits": {"max_tokens": 9}}
    assert got.status == 200
    assert {name: got.json[name] for name in FULL} == wanted
    assert (await manage(made, "GET", ONE)).json["budget"] == {"day_usd": 1}
    assert await code_with(made, token) == "ok"


async def test_a_changed_bound_holds_at_once_in_the_isolate_that_changed_it() -> None:
    made = keys_world()
    token = await make(made)
    assert await code_with(made, token) == "ok"

    await manage(made, "PATCH", ONE, {"models": ["b/*"]})

    assert await code_with(made, token) == "model_not_allowed"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_field", "body"),
        ({"name": "other"}, "unknown_option", "name"),
        (b"", "invalid_json", None),
    ],
)
async def test_a_change_that_says_nothing_or_a_new_name_is_refused(
    body: object, code: str, param: str | None
) -> None:
    made = keys_world()
    await make(made)

    got = await manage(made, "PATCH", ONE, body)

    assert (got.status, got.error["code"], got.error["param"]) == (400, code, param)


async def test_a_revoked_key_is_refused_and_stays_listed() -> None:
    made = keys_world()
    token = await make(made)
    assert await code_with(made, token) == "ok"

    got = await manage(made, "DELETE", ONE)

    assert (got.status, got.json["state"]) == (200, "revoked")
    assert got.json["revoked_at"]
    assert await code_with(made, token) == "revoked_key"
    again = await manage(made, "DELETE", ONE)
    assert (again.status, again.json) == (200, got.json)
    for method, path, body in (("PATCH", ONE, {"per_minute": 1}), ("POST", f"{ONE}/rotate", None)):
        assert (await manage(made, method, path, body)).error["code"] == "not_found"
    assert len(made.events("key_changed")) == 2


async def test_after_a_rotation_both_tokens_hold_until_the_old_one_ends() -> None:
    made = keys_world()
    first = await make(made, per_minute=50)

    got = await manage(made, "POST", f"{ONE}/rotate", {"valid_for_s": 100})
    second = got.json["token"]
    assert (got.status, got.json["old_token_until"]) == (200, "2026-11-22T09:01:40Z")
    assert [await code_with(made, each) for each in (first, second)] == ["ok", "ok"]

    third = (await manage(made, "POST", f"{ONE}/rotate", {"valid_for_s": 0})).json["token"]
    assert [await code_with(made, each) for each in (first, second, third)] == ["invalid_key"] * 2 + ["ok"]
    assert (await manage(made, "GET", ONE)).json["per_minute"] == 50


@pytest.mark.parametrize("value", [-1, MAX_VALID_S + 1, 1.5, "60", True, []])
async def test_how_long_the_old_token_stays_valid_is_bounded(value: object) -> None:
    made = keys_world()
    token = await make(made)

    got = await manage(made, "POST", f"{ONE}/rotate", {"valid_for_s": value})

    assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_field", "valid_for_s")
    assert await code_with(made, token) == "ok"


async def test_keys_are_listed_by_name_a_page_at_a_time() -> None:
    made = keys_world()
    for name in ("c", "a", "b", "lent", "rotate"):
        await make(made, name)

    pages = [await manage(made, "GET", f"{KEYS}?limit=2")]
    while after := pages[-1].json["next"]:
        pages.append(await manage(made, "GET", f"{KEYS}?limit=2&after={after}"))

    assert [[each["name"] for each in page.json["data"]] for page in pages] == [
        ["a", "b"],
        ["c", "lent"],
        ["rotate"],
    ]
    assert (await manage(made, "GET", f"{KEYS}/rotate")).json["name"] == "rotate"
    assert (await manage(made, "POST", f"{KEYS}/rotate/rotate")).status == 200


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("limit=0", "invalid_field", "limit"),
        (f"limit={MAX_PAGE + 1}", "invalid_field", "limit"),
        ("limit=x", "invalid_field", "limit"),
        ("limit=", "invalid_field", "limit"),
        (f"limit={'1' * 1000}", "invalid_field", "limit"),
        ("after=a%20b", "invalid_field", "after"),
        ("page=2", "unknown_option", "query"),
        ("limit=1&limit=2", "invalid_field", "limit"),
    ],
)
async def test_a_wrong_parameter_of_the_list_is_refused(query: str, code: str, param: str) -> None:
    got = await manage(keys_world(), "GET", f"{KEYS}?{query}")

    assert (got.status, got.error["code"], got.error["param"]) == (400, code, param)


async def test_every_change_is_noted_with_who_when_and_what() -> None:
    made = keys_world()
    await make(made, per_minute=5)
    await manage(made, "PATCH", ONE, {"per_minute": None, "budget": {"day_usd": 1}})
    await manage(made, "POST", f"{ONE}/rotate", {"valid_for_s": 60})
    await manage(made, "DELETE", ONE)
    await manage(made, "DELETE", ONE)

    changes = (await manage(made, "GET", ONE)).json["changes"]

    assert [(each["by"], each["action"], each["fields"]) for each in changes] == [
        ("boss", "revoked", {}),
        ("boss", "rotated", {"valid_for_s": 60}),
        ("boss", "changed", {"per_minute": None, "budget": {"day_usd": 1}}),
        ("boss", "made", {"per_minute": 5}),
    ]
    assert {each["at"] for each in changes} == {"2026-11-22T09:00:00Z"}


async def test_a_change_that_is_refused_is_not_noted() -> None:
    made = keys_world()
    await make(made)
    await manage(made, "POST", body={"name": "app"})
    await manage(made, "DELETE", f"{KEYS}/nobody")
    await manage(made, "PATCH", f"{KEYS}/nobody", {"per_minute": 1})

    assert len(made.database.rows("SELECT * FROM key_changes")) == 1
    assert len(made.events("key_changed")) == 1


async def test_only_the_last_changes_are_shown() -> None:
    made = keys_world()
    await make(made)
    for number in range(SHOWN_CHANGES + 5):
        await manage(made, "PATCH", ONE, {"per_minute": number + 1})

    changes = (await manage(made, "GET", ONE)).json["changes"]

    assert len(changes) == SHOWN_CHANGES
    assert changes[0]["fields"] == {"per_minute": SHOWN_CHANGES + 5}


@pytest.mark.parametrize(("method", "path"), EVERY)
async def test_only_admins_manage_keys(method: str, path: str) -> None:
    made = keys_world()
    token = await make(made, per_minute=1_000)
    made.env = {**made.env, "ALLOW_CLIENT_KEYS": "true"}

    got = await manage(made, method, path, token=token)
    assert (got.status, got.error["code"]) == (403, "not_allowed")
    assert (await manage(made, method, path, token="wrong-token")).error["code"] == "invalid_key"
    assert len(made.database.rows("SELECT * FROM key_changes")) == 1


@pytest.mark.parametrize(("method", "path"), EVERY)
async def test_without_a_database_every_route_says_so(method: str, path: str) -> None:
    made = World({"GATEWAY_KEYS": json.dumps([ADMIN])})

    got = await manage(made, method, path, {"name": "app"})

    assert (got.status, got.error["code"]) == (501, "ledger_not_bound")
    assert got.headers["x-should-retry"] == "false"
    assert "LEDGER" in got.error["message"]


@pytest.mark.parametrize(("method", "path"), EVERY)
@pytest.mark.parametrize("state", ["broken", "slow"])
async def test_with_a_database_that_does_not_answer_every_route_is_a_503(
    method: str, path: str, state: str
) -> None:
    made = keys_world()
    made.database.broken = state == "broken"
    made.database.pause_s = 60.0 if state == "slow" else 0.0
    body = {"POST": {"name": "app"}, "PATCH": {"per_minute": 1}}.get(method) if "rotate" not in path else None

    got = await manage(made, method, path, body)

    assert (got.status, got.error["code"]) == (503, "ledger_unavailable")
    assert got.headers["retry-after"] == "10"


async def test_an_admin_key_of_the_database_manages_keys_too() -> None:
    made = keys_world()
    token = await make(made, "deputy", admin=True)

    got = await manage(made, "POST", body={"name": "app"}, token=token)

    assert got.status == 201
    assert (await manage(made, "GET", ONE)).json["changes"][0]["by"] == "deputy"


@pytest.mark.parametrize("path", [f"{KEYS}/nobody", f"{KEYS}/a%20b", f"{KEYS}/a/b", f"{KEYS}/"])
async def test_a_key_that_is_not_there_is_not_found(path: str) -> None:
    made = keys_world()

    for method in ("GET", "DELETE"):
        got = await manage(made, method, path)
        assert (got.status, got.error["code"]) == (404, "not_found")


async def test_the_same_routes_are_under_api() -> None:
    made = keys_world()

    got = await manage(made, "POST", f"/api{KEYS}", {"name": "app"})

    assert got.status == 201
    assert (await manage(made, "GET", f"/api{ONE}")).json["name"] == "app"
    assert (await manage(made, "POST", f"/api{ONE}/rotate")).status == 200


async def test_a_row_that_this_version_cannot_read_lets_nobody_in_and_is_shown() -> None:
    made = keys_world()
    token = await make(made)
    made.database.rows("""UPDATE keys SET bounds = '{"per_minute": "of another version"}'""")

    assert await code_with(made, token) == "invalid_key"
    assert made.events("stored_key_ignored")
    assert (await manage(made, "GET", ONE)).json["state"] == "invalid"


async def test_a_preflight_of_each_route_says_its_methods() -> None:
    made = keys_world(CORS_ORIGINS="https://a.example")
    methods = {}
    for path in (KEYS, ONE, f"{ONE}/rotate"):
        got = await made.get(path, method="OPTIONS", headers={"origin": "https://a.example"})
        methods[path] = got.headers["access-control-allow-methods"]

    assert [*methods.values()] == [
        "POST, GET, HEAD, OPTIONS",
        "GET, HEAD, PATCH, DELETE, OPTIONS",
        "POST, OPTIONS",
    ]
