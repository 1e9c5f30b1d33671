"""Keys over HTTP: rate limits, expiry, callers' own OpenRouter keys, and a flood of wrong keys."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from tests.support.chat import CHAT, complete_log, error_in, post, question
from tests.support.journal import Journal
from tests.support.runtimes import KEY, Gateway

OTHER = "e2e-other-token-0123456789"
OWN_KEY = "sk-or-canary-of-a-callers-own"
HAIKU, SONNET = "anthropic/claude-haiku-4.5", "~anthropic/claude-sonnet-latest"
ENDPOINTS = f"/v1/models/{HAIKU}/endpoints"
FLOOD, AT_ONCE, RETRIES = 5_000, 32, 200
# Wrangler's proxy answers this when it has lost its connection to the Worker, which happens under load.
LOST_BY_WRANGLER = "Your worker restarted mid-request"


@pytest.fixture(scope="session")
def keyed(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with two keys, one with a rate limit; callers may use their own OpenRouter keys."""
    entries = [
        {"name": "free", "token": KEY, "admin": True},
        {"name": "bound", "token": OTHER, "per_minute": 3, "expires": "2099-01-01"},
        {"name": "reader", "token": f"{OTHER}-reader", "per_minute": 7},
        {"name": "seen", "token": f"{OTHER}-seen", "per_minute": 1000},
        {"name": "old", "token": f"{OTHER}-old", "expires": "2020-01-01"},
    ]
    gateway = start_gateway(GATEWAY_KEYS=json.dumps(entries), ALLOW_CLIENT_KEYS="true")
    return Gateway(gateway.runtime, gateway.base_url, KEY, gateway.leash)


def test_a_rate_limit_is_enforced_and_reported(keyed: Gateway, journal: Journal) -> None:
    headers = {"authorization": f"Bearer {OTHER}"}
    answers = [post(keyed, question(journal, "sim/ok"), **headers) for _ in range(4)]

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["2", "1", "0", "0"]
    assert error_in(answers[3])["code"] == "too_many_requests"
    assert 0 < int(answers[3].headers["retry-after"]) <= 120
    assert len(journal.models()) == 3


def test_every_route_counts_towards_the_rate(keyed: Gateway, simulator: str) -> None:
    headers = {"authorization": f"Bearer {OTHER}-reader"}
    paths = ["/v1/models", "/v1/usage", "/v1/key", "/health?deep=1", f"/v1/models/{HAIKU}", ENDPOINTS]
    with keyed.client(headers=headers) as client:
        answers = [client.get(path) for path in paths] + [client.head("/v1/models")]
        before = len(complete_log(simulator))
        refused = [client.request(method, path) for path in paths for method in ("GET", "HEAD")]
        refused.append(client.post("/v1/plan", json={"messages": []}))
        assert client.options("/v1/models").status_code == 204
        assert client.get("/health").status_code == 200

    assert [each.status_code for each in answers] == [200] * 7
    assert [each.headers["x-ratelimit-remaining"] for each in answers] == list("6543210")
    assert {each.status_code for each in refused} == {429}
    assert all(0 < int(each.headers["retry-after"]) <= 120 for each in refused)
    assert len(complete_log(simulator)) == before


def test_an_expired_key_is_refused(keyed: Gateway, journal: Journal) -> None:
    answer = post(keyed, question(journal, "sim/ok"), authorization=f"Bearer {OTHER}-old")

    assert (answer.status_code, error_in(answer)["code"]) == (401, "expired_key")
    assert journal.models() == []


@pytest.mark.parametrize("stream", [False, True])
def test_a_callers_own_openrouter_key_is_used(keyed: Gateway, journal: Journal, stream: bool) -> None:
    body = question(journal, "sim/status-503", "sim/ok", stream=stream)
    answer = post(keyed, body, authorization=f"Bearer {OWN_KEY}")

    assert answer.status_code == 200
    assert {call["headers"]["authorization"] for call in journal.entries()} == {f"Bearer {OWN_KEY}"}
    assert OWN_KEY not in answer.text + str(answer.headers) + keyed.log_text()


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/key", "/health?deep=1"])
def test_routes_that_show_the_gateway_are_for_its_own_keys(keyed: Gateway, path: str) -> None:
    with keyed.client(headers={"authorization": f"Bearer {OWN_KEY}"}) as client:
        answer = client.get(path)

    assert (answer.status_code, error_in(answer)["code"]) == (403, "not_allowed")


def test_routes_that_show_models_use_a_callers_own_key(keyed: Gateway, simulator: str) -> None:
    own = f"{OWN_KEY}-for-models"
    with keyed.client(headers={"x-api-key": own}) as client:
        assert client.get("/v1/models").status_code == 200
        assert client.get(f"/v1/models/{SONNET}/endpoints").status_code == 200
        plan = client.post("/v1/plan", json={"messages": [{"role": "user", "content": "Hi"}]})
        assert plan.status_code == 200

    sent = [(each["path"], each["headers"].get("authorization")) for each in complete_log(simulator)]
    assert [path for path, key in sent if key == f"Bearer {own}" and path.endswith("/key")] == ["/api/v1/key"]
    looked_up = {key for path, key in sent if path.endswith(f"{SONNET}/endpoints")}
    assert looked_up == {f"Bearer {own}"}


def test_made_up_keys_are_refused_on_every_route(keyed: Gateway, simulator: str) -> None:
    before = len(complete_log(simulator))
    paths = ["/v1/models", "/v1/usage", "/v1/key", "/health?deep=1", ENDPOINTS]
    answers = []
    for number in range(4):
        with keyed.client(headers={"authorization": f"Bearer sk-or-refused-{number}"}) as client:
            answers += [client.request(method, path) for path in paths for method in ("GET", "HEAD")]
            answers += [client.post(path, json={"messages": []}) for path in (CHAT, "/v1/plan")]

    assert {each.status_code for each in answers} == {401}
    reached = [(each["path"], each["headers"]["authorization"]) for each in complete_log(simulator)[before:]]
    assert reached == [("/api/v1/key", f"Bearer sk-or-refused-{number}") for number in range(4)]


def test_a_caller_is_told_that_its_own_key_was_refused(keyed: Gateway, journal: Journal) -> None:
    answer = post(keyed, question(journal, "sim/status-401"), authorization=f"Bearer {OWN_KEY}")

    assert (answer.status_code, error_in(answer)["code"]) == (401, "own_key_rejected")
    assert "OPENROUTER_API_KEY" not in answer.text


def test_a_caller_sees_its_own_key_and_an_admin_sees_openrouters(keyed: Gateway) -> None:
    with keyed.client() as client:
        own = client.get("/v1/key", headers={"authorization": f"Bearer {OTHER}-seen"}).json()
        admin = client.get("/v1/key").json()

    assert (own["name"], own["per_minute"], "openrouter" in own) == ("seen", 1000, False)
    assert admin["admin"] is True
    assert "usage" in admin["openrouter"]


def test_openrouters_sdks_see_the_key_in_openrouters_form(keyed: Gateway) -> None:
    with keyed.client() as client:
        answer = client.get("/api/v1/key", headers={"authorization": f"Bearer {OTHER}-seen"})

    data = answer.json()["data"]
    assert (data["label"], data["limit"], data["rate_limit"]["requests"]) == ("seen", None, 1000)
    assert data["usage"] >= 0
    assert {"limit_remaining", "limit_reset", "is_free_tier", "budgets", "effective_budget"} <= set(data)


def test_requests_with_wrong_keys_never_reach_the_upstream(keyed: Gateway, simulator: str) -> None:
    before = len(complete_log(simulator))

    statuses = asyncio.run(_flood(keyed))

    assert statuses == {401: FLOOD}
    assert len(complete_log(simulator)) == before
    with keyed.client() as client:
        assert client.get("/v1/key").status_code == 200


async def _flood(gateway: Gateway) -> dict[int, int]:
    """Send requests with wrong keys; return the number of responses by status."""
    counts: dict[int, int] = {}
    numbers, retries = iter(range(FLOOD)), iter(range(RETRIES))

    async def send(client: httpx.AsyncClient) -> None:
        for number in numbers:
            headers = {"authorization": f"Bearer wrong-token-{number:08}"}
            answer = await client.post(CHAT, json={"messages": []}, headers=headers)
            while answer.text.startswith(LOST_BY_WRANGLER) and next(retries, None) is not None:
                answer = await client.post(CHAT, json={"messages": []}, headers=headers)
            counts[answer.status_code] = counts.get(answer.status_code, 0) + 1

    async with gateway.async_client() as client:
        await asyncio.gather(*(send(client) for _ in range(AT_ONCE)))
    return counts
