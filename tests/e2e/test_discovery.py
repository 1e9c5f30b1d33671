"""What Claude Code asks a gateway before its first request: a probe, the models, and their names."""

import httpx
import pytest

from tests.support.chat import CHAT, question
from tests.support.journal import Journal
from tests.support.runtimes import KEY, Gateway

LIST = "/v1/models"
RIGHT = {"authorization": f"Bearer {KEY}"}
CLAUDE = {"anthropic-version": "2023-06-01"}
CLASS = "x-claude-code-request-class"


@pytest.mark.parametrize("path", ["/", "/api/hello"])
def test_a_probe_without_a_key_is_answered(routed_gateway: Gateway, path: str) -> None:
    answer = httpx.head(routed_gateway.base_url + path)
    assert (answer.status_code, answer.content) == (204, b"")


def test_claude_code_lists_models_and_tasks_that_it_can_ask(
    routed_gateway: Gateway, journal: Journal
) -> None:
    with routed_gateway.client(headers=RIGHT | CLAUDE) as client:
        got = client.get(LIST, params={"limit": "1000"})
        assert (got.status_code, got.history) == (200, [])
        listed = got.json()
        ids = [each["id"] for each in listed["data"]]
        assert all("claude" in each or "anthropic" in each for each in ids)
        assert all(each["display_name"] and each["description"] for each in listed["data"])
        assert (listed["first_id"], listed["last_id"], listed["has_more"]) == (ids[0], ids[-1], False)
        one = client.get(f"{LIST}/claude-task-background").json()
        assert one == next(each for each in listed["data"] if each["id"] == "claude-task-background")
        answer = client.post(CHAT, json=question(journal, "claude-task-background"))
    assert answer.json()["gateway"]["served"] == "sim/ok"


def test_a_short_name_is_found_in_a_request_and_alone(routed_gateway: Gateway) -> None:
    with routed_gateway.client() as client:
        assert client.get(f"{LIST}/claude-haiku-4-5-20251001").json()["id"] == "anthropic/claude-haiku-4.5"
        body = {"model": "claude-haiku-4-5-20251001", "messages": [{"role": "user", "content": "Hi"}]}
        plan = client.post("/v1/plan", json=body).json()
    assert plan["resolved"] == {"claude-haiku-4-5-20251001": "anthropic/claude-haiku-4.5"}
    assert [each["model"] for each in plan["chain"]] == ["anthropic/claude-haiku-4.5"]


def test_background_work_takes_the_route_whose_condition_it_meets(
    routed_gateway: Gateway, journal: Journal
) -> None:
    with routed_gateway.client(headers=RIGHT | {CLASS: "auxiliary"}) as client:
        background = client.post(CHAT, json=question(journal, "sim/slow-500ms")).json()["gateway"]
    with routed_gateway.client(headers=RIGHT | {CLASS: "main"}) as client:
        shown = client.post(CHAT, json=question(journal, "sim/slow-500ms")).json()["gateway"]
    assert background["served"] == "sim/ok"
    assert background["route"] == {"task": "task/background", "when": {"request_class": "auxiliary"}}
    assert (shown["served"], shown.get("route")) == ("sim/slow-500ms", None)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer wrong-token-0123456789", "x-api-key": KEY},
        {"authorization": f"Bearer {KEY}", "x-api-key": "wrong-token-0123456789"},
    ],
)
def test_a_wrong_key_beside_a_right_one_is_ignored(routed_gateway: Gateway, headers: dict[str, str]) -> None:
    assert httpx.get(routed_gateway.base_url + LIST, headers=headers).status_code == 200
    assert "wrong-token" not in routed_gateway.log_text()
