import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from simulator.journal import MAX_BODY_BYTES, MAX_ENTRIES, Journal
from tests.simulator.rig import Rig, eventually, fresh_user


def test_an_entry_shows_what_arrived(sim: Rig) -> None:
    user = fresh_user()
    url = f"{sim.url}/chat/completions"
    sim.client.post(url, json=sim.body("sim/ok", user), headers={"X-Title": "Rehearsal"})
    entry = sim.one(user)
    assert (entry["method"], entry["path"], entry["model"]) == ("POST", "/api/v1/chat/completions", "sim/ok")
    assert entry["headers"]["x-title"] == "Rehearsal"
    assert entry["body"] == sim.body("sim/ok", user)
    assert (entry["status"], entry["outcome"], entry["stream"]) == (200, "answered", False)
    assert entry["body_bytes"] == int(entry["headers"]["content-length"])


def test_the_log_is_filtered_by_user_and_model(sim: Rig) -> None:
    user = fresh_user()
    for model in ("sim/ok", "sim/json", "sim/ok"):
        sim.chat(model, user)
    sim.chat("sim/ok")
    assert [entry["model"] for entry in sim.log(user)] == ["sim/ok", "sim/json", "sim/ok"]
    assert len(sim.get(f"/sim/log?user={user}&model=sim/json")["entries"]) == 1


def test_a_large_body_is_counted_but_not_stored(sim: Rig) -> None:
    user = fresh_user()
    sim.chat("sim/ok", user, padding="x" * MAX_BODY_BYTES)
    entry = sim.one(user)
    assert entry["body"] is None
    assert entry["body_bytes"] > MAX_BODY_BYTES


@pytest.mark.parametrize("padding", [10, MAX_BODY_BYTES])
def test_the_digest_and_the_keys_of_every_body_are_stored(sim: Rig, padding: int) -> None:
    user = fresh_user()
    raw = json.dumps(sim.body("sim/ok", user, system="x" * padding), indent=1).encode()
    for path in ("/messages", "/chat/completions"):
        sim.client.post(sim.url + path, content=raw)
    for entry in sim.log(user):
        assert entry["body_sha256"] == hashlib.sha256(raw).hexdigest()
        assert entry["body_keys"] == ["model", "user", "messages", "system"]
        assert (entry["body"] is None) == (padding == MAX_BODY_BYTES)


def test_a_refused_request_is_logged_too(sim: Rig) -> None:
    user = fresh_user()
    httpx.post(f"{sim.url}/chat/completions", json=sim.body("sim/ok", user))
    assert (sim.one(user)["status"], sim.one(user)["outcome"]) == (401, "answered")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "model", ["sim/hang", "sim/hang-body", "sim/stall-after", "sim/slow-5000ms", "sim/drip-900ms"]
)
def test_a_request_is_open_until_its_client_leaves_and_then_cancelled_at_once(
    sim: Rig,
    model: str,
    stream: bool,  # a parameter of the test
) -> None:
    user = fresh_user()
    request = sim.client.build_request(
        "POST", f"{sim.url}/chat/completions", json=sim.body(model, user, stream=stream), timeout=0.15
    )
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(sim.client.send, request)
        assert eventually(lambda: next(iter(sim.log(user)), None), within_s=0.1)["outcome"] == "open"
        assert isinstance(answer.exception(), httpx.ReadTimeout)
    entry = sim.ended(user, within_s=0.3)
    assert (entry["outcome"], entry["cost_usd"]) == ("cancelled", 0)
    assert 100 < entry["ms"] < 600


def test_a_client_that_leaves_a_running_stream_is_noticed(sim: Rig) -> None:
    user = fresh_user()
    body = sim.body("sim/long-1000000", user, stream=True)
    with sim.client.stream("POST", f"{sim.url}/chat/completions", json=body) as answer:
        next(answer.iter_raw())
    entry = sim.ended(user)
    assert entry["outcome"] == "cancelled"
    assert 0 < entry["events_sent"] < 1_000_000


def test_the_bill_is_the_exact_sum_of_the_answers_costs(sim: Rig) -> None:
    before = sim.get("/sim/bill")
    stated = [
        sim.chat(model).json()["usage"]["cost"] for model in ("sim/ok", "openai/gpt-5.4-mini", "sim/json")
    ]
    sim.chat("sim/status-503")
    after = sim.get("/sim/bill")
    assert after["cost_nano_usd"] - before["cost_nano_usd"] == sum(round(cost * 1e9) for cost in stated)
    assert after["requests"] - before["requests"] == 3
    assert after["cost_micro_usd"] == round(after["cost_nano_usd"] / 1000)


def test_clearing_empties_the_log_and_keeps_the_bill(sim: Rig) -> None:
    user = fresh_user()
    sim.chat("sim/ok", user)
    bill = sim.get("/sim/bill")
    assert sim.client.delete(f"{sim.root}/sim/log").status_code == 204
    assert eventually(lambda: {"none": True} if sim.log(user) == [] else None, within_s=1)
    assert sim.get("/sim/bill") == bill


def test_the_log_keeps_the_newest_entries_and_a_limited_size_of_bodies() -> None:
    log = Journal()
    for _ in range(MAX_ENTRIES + 5):
        log.keep_body(log.open("POST", "/", {}), b'{"a": "' + b"x" * 5000 + b'"}')
    entries = log.select(None, None)
    assert (len(entries), entries[-1]["seq"]) == (MAX_ENTRIES, MAX_ENTRIES + 5)
    assert entries[0]["body"] is None
    assert entries[0]["body_sha256"] == entries[-1]["body_sha256"]
    assert entries[-1]["body"] is not None
