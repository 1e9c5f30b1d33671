"""Keys of the database over HTTP, on a real D1: made, changed, rotated, revoked, and D1 that is down."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.memory.stored_keys import PAUSE_S
from scripts.keys.run import ADMIN_KEY, run
from tests.support.chat import CHAT, question
from tests.support.gateway_keys import BOSS_AND_APP, PAGE
from tests.support.journal import Journal
from tests.support.ledger import Ledger, wait_for
from tests.support.runtimes import KEY, Gateway

KEYS = "/v1/keys"


@pytest.fixture
def admin(start_gateway: Callable[..., Gateway]) -> Iterator[httpx.Client]:
    """A client with an admin's key of a gateway with a ledger."""
    gateway = start_gateway(bindings=("LEDGER",), GATEWAY_KEYS=json.dumps(BOSS_AND_APP))
    with Gateway(gateway.runtime, gateway.base_url, KEY, gateway.leash).client() as client:
        yield client


def made(admin: httpx.Client, name: str, **fields: object) -> str:
    """Make a key; return its token."""
    answer = admin.post(KEYS, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def asked(admin: httpx.Client, token: str, journal: Journal) -> str:
    """Return the error code of a chat request with a token; ``ok`` if it was answered."""
    headers = {"authorization": f"Bearer {token}"}
    answer = admin.post(CHAT, json=question(journal, "sim/ok"), headers=headers)
    return "ok" if answer.status_code == 200 else str(answer.json()["error"]["code"])


def test_a_key_lives_from_its_making_to_its_end(admin: httpx.Client, journal: Journal, runtime: str) -> None:
    name = f"life-{runtime}"
    one = f"{KEYS}/{name}"
    first = made(admin, name, models=["sim/*"], budget={"day_usd": 1, "month_usd": 5}, per_minute=50)
    assert asked(admin, first, journal) == "ok"
    assert asked(admin, "oe-" + "0" * 64, journal) == "invalid_key"

    changed = admin.patch(one, json={"models": ["other/*"], "budget": {"day_usd": 2}, "per_minute": None})
    assert (changed.status_code, changed.json()["budget"]) == (200, {"day_usd": 2})
    assert asked(admin, first, journal) == "model_not_allowed"
    admin.patch(one, json={"models": None, "origins": [PAGE]})
    preflight = admin.options(CHAT, headers={"origin": PAGE})
    assert preflight.headers["access-control-allow-origin"] == PAGE

    second = admin.post(f"{one}/rotate").json()["token"]
    assert [asked(admin, each, journal) for each in (first, second)] == ["ok", "ok"]
    third = admin.post(f"{one}/rotate", json={"valid_for_s": 0}).json()["token"]
    assert [asked(admin, each, journal) for each in (second, third)] == ["invalid_key", "ok"]

    part = {"models": ["sim/*"], "budget_usd": 1, "per_minute": 5}
    lent = admin.post(f"{KEYS}/lend", json=part, headers={"authorization": f"Bearer {third}"}).json()["token"]
    assert [asked(admin, each, journal) for each in (lent, f"{lent[:-1]}z")] == ["ok", "invalid_key"]

    assert admin.post(KEYS, json={"name": name}).status_code == 409
    assert admin.delete(one).json()["state"] == "revoked"
    assert [asked(admin, each, journal) for each in (third, lent)] == ["revoked_key"] * 2
    listed = admin.get(f"{KEYS}?limit=200").json()
    assert name in [each["name"] for each in listed["data"]]
    shown = admin.get(one)
    actions = ["revoked", "rotated", "rotated", "changed", "changed", "made"]
    assert [each["action"] for each in shown.json()["changes"]] == actions
    assert not any(token in shown.text for token in (first, second, third, lent))
    assert len(journal.models()) == 5


def test_the_ledger_goes_by_the_name_of_the_key(
    admin: httpx.Client, journal: Journal, start_gateway: Callable[..., Gateway], runtime: str
) -> None:
    token = made(admin, f"counted-{runtime}", budget={"day_usd": 1})
    assert asked(admin, token, journal) == "ok"

    gateway = start_gateway(bindings=("LEDGER",), GATEWAY_KEYS=json.dumps(BOSS_AND_APP))
    mine = Gateway(gateway.runtime, gateway.base_url, token, gateway.leash)
    assert wait_for(mine, 1, timeout_s=10.0)["key"] == f"counted-{runtime}"


def test_make_key_and_its_relatives_manage_a_running_gateway(
    admin: httpx.Client, journal: Journal, runtime: str, tmp_path: Path
) -> None:
    name = f"made-{runtime}"

    def make(command: str, **variables: str) -> str:
        environ = {"URL": str(admin.base_url), ADMIN_KEY: KEY, **variables}
        return run(command, environ, None, tmp_path)

    def token_in(printed: str) -> str:
        return next(word for word in printed.split() if word.startswith("oe-"))

    first = token_in(make("key", NAME=name, MODELS="sim/*", BUDGET_DAY="2"))
    second = token_in(make("key-rotate", NAME=name, VALID_FOR_S="0"))
    assert [asked(admin, each, journal) for each in (first, second)] == ["invalid_key", "ok"]
    make("key-revoke", NAME=name)
    assert asked(admin, second, journal) == "revoked_key"
    (line,) = [each for each in make("keys").splitlines() if each.startswith(f"{name} ")]
    assert line.split()[1:4] == ["revoked", "sim/*", "day_usd=2.0"]


def test_while_d1_does_not_answer_known_keys_go_on_and_others_do_not_get_in(
    admin: httpx.Client, journal: Journal, start_gateway: Callable[..., Gateway], runtime: str
) -> None:
    if runtime == "workerd":
        pytest.skip("needs control of D1, which only the Node host has")
    ledger = Ledger(start_gateway(bindings=("LEDGER",), GATEWAY_KEYS=json.dumps(BOSS_AND_APP)))
    known, cold = made(admin, "known"), made(admin, "cold")
    assert asked(admin, known, journal) == "ok"
    try:
        for state in ("slow", "down"):
            ledger.be(state)
            assert [asked(admin, each, journal) for each in (cold, known)] == ["keys_unavailable", "ok"]
    finally:
        ledger.be("up")
        time.sleep(PAUSE_S)  # until the gateway asks D1 again, for the next test
