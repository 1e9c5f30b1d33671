import re

import httpx
import pytest

from simulator.behaviours import AUTHOR, behaviours
from simulator.ledger import Ledger
from tests.simulator.rig import MESSAGES, Rig

CHAT = "/chat/completions"


def test_a_key_is_required_and_must_be_well_formed(sim: Rig) -> None:
    for path in ("/key", "/generation?id=gen-1"):
        assert httpx.get(sim.url + path).status_code == 401
    missing = httpx.post(sim.url + CHAT, json=sim.body("sim/ok", "nobody"))
    wrong = httpx.post(
        sim.url + CHAT, json=sim.body("sim/ok", "nobody"), headers={"Authorization": "Bearer sk-1"}
    )
    messages = [(answer.status_code, answer.json()["error"]["message"]) for answer in (missing, wrong)]
    assert messages == [(401, "No cookie auth credentials found"), (401, "User not found.")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Input must have at least 1 token."),
        (b"[" * 50_000, "Input must have at least 1 token."),
        (b"[]", "Input must have at least 1 token."),
        (b'{"model": "sim/ok", "messages": []}', "Input must have at least 1 token."),
        (b'{"model": "sim/ok"}', 'Input required: specify "prompt" or "messages"'),
        (b'{"models": ["sim/ok", "a/b", "c/d", "e/f"]}', "'models' array must have 3 items or fewer."),
    ],
)
def test_an_invalid_body_is_refused_with_openrouters_message(sim: Rig, body: bytes, message: str) -> None:
    answer = sim.client.post(sim.url + CHAT, content=body)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)
    assert sim.get("/sim/log")["entries"][-1]["outcome"] == "answered"


@pytest.mark.parametrize(
    ("choice", "served"),
    [
        ({"models": ["sim/json", "sim/ok"]}, "sim/json"),
        ({"model": "sim/ok", "models": ["sim/json"]}, "sim/ok"),
        ({}, "openai/gpt-5.4-mini"),
        ({"model": "~anthropic/claude-sonnet-latest"}, "anthropic/claude-sonnet-4.6"),
    ],
)
def test_the_requested_model_is_served(sim: Rig, choice: dict[str, object], served: str) -> None:
    answer = sim.client.post(sim.url + CHAT, json={**choice, "messages": MESSAGES})
    assert answer.json()["model"] == served


def test_every_route_answers_without_the_api_prefix_too(sim: Rig) -> None:
    for path in ("/models", "/key"):
        assert sim.client.get(f"{sim.root}/v1{path}").status_code == 200
    assert sim.client.get(f"{sim.root}/elsewhere").status_code == 404


def test_large_lists_650_models_and_has_the_same_other_routes(sim: Rig) -> None:
    few, many = sim.get("/api/v1/models")["data"], sim.get("/large/api/v1/models")["data"]
    ids = [model["id"] for model in many]
    assert (len(ids), len(set(ids))) == (650, 650)
    assert many[: len(few)] == few
    assert set(many[-1]) - {"benchmarks"} == set(next(each for each in few if each["id"] == "sim/ok"))
    large = f"{sim.root}/large/api/v1"
    assert len(sim.client.get(f"{large}/models/{ids[-1]}/endpoints").json()["data"]["endpoints"]) == 1
    answer = sim.client.post(large + CHAT, json=sim.body(ids[-1], "somebody"))
    assert (answer.status_code, answer.json()["model"]) == (200, ids[-1])


def test_listless_has_every_route_except_the_list(sim: Rig) -> None:
    listless = f"{sim.root}/listless/api/v1"
    assert sim.client.get(f"{listless}/models").status_code == 503
    assert sim.client.get(f"{listless}/key").status_code == 200
    assert sim.client.post(listless + CHAT, json=sim.body("sim/ok", "somebody")).status_code == 200


def test_the_models_are_the_healthy_ones_in_full_form(sim: Rig) -> None:
    answer = sim.get("/api/v1/models")
    models = {model["id"]: model for model in answer["data"]}
    healthy = {AUTHOR + row.example_name for row in behaviours().values() if row.group == "healthy"}
    assert healthy | {"openrouter/auto", "anthropic/claude-haiku-4.5", "sim/ok:free"} <= set(models)
    assert answer["total_count"] == len(models)
    assert set(models["anthropic/claude-haiku-4.5"]) - {"reasoning"} == set(models["sim/ok"])


@pytest.mark.parametrize("model", ["sim/ok", "anthropic/claude-haiku-4.5", "openai/gpt-5.4-mini"])
def test_endpoints_have_a_consistent_form_and_price(sim: Rig, model: str) -> None:
    recorded = sim.get("/api/v1/models/anthropic/claude-haiku-4.5/endpoints")["data"]
    data = sim.get(f"/api/v1/models/{model}/endpoints")["data"]
    assert (data["id"], set(data)) == (model, set(recorded))
    assert set(data["endpoints"][0]) == set(recorded["endpoints"][0])
    assert sim.client.get(f"{sim.url}/models/acme/unheard-of/endpoints").status_code == 404


def test_generation_and_key_agree_with_the_answer(sim: Rig) -> None:
    answer = sim.chat("sim/ok").json()
    assert re.fullmatch(r"gen-\d{10}-[A-Za-z0-9]{20}", answer["id"])
    generation = sim.get(f"/api/v1/generation?id={answer['id']}")["data"]
    assert generation["total_cost"] == answer["usage"]["cost"]
    assert generation["native_tokens_completion"] == answer["usage"]["completion_tokens"]
    assert sim.get("/api/v1/key")["data"]["usage"] == sim.get("/sim/bill")["cost_usd"]


def test_an_unknown_generation_is_not_found(sim: Rig) -> None:
    answer = sim.client.get(f"{sim.url}/generation?id=gen-1-x")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Generation gen-1-x not found")


def test_a_generation_can_be_found_late() -> None:
    for delay_s, found in ((0, True), (60, False)):
        ledger = Ledger(generation_delay_s=delay_s)
        ledger.remember("gen-1-x", "sim/ok", stream=False, tally=None, cancelled=False, ms=1)
        assert (ledger.generation("gen-1-x") is not None) == found
