"""Kept answers over HTTP, in the runtime's own cache: the second request makes no call."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.chat import OK_TEXT, openai, post, question
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway


@pytest.fixture(scope="session")
def keeping(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with a cache of answers; the 2024 workerd has one whatever is bound."""
    return start_gateway(bindings=("ANSWERS",))


def asked(journal: Journal, *models: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON of any kind
    return question(journal, *models, gateway={"cache_ttl_s": 60}, **fields)


def post_and_let_keep(gateway: Gateway, body: dict[str, Any]) -> httpx.Response:
    """Return the response once it has had the time to be kept, which no answer waits for."""
    answer = post(gateway, body)
    let_keep(gateway)
    return answer


def let_keep(gateway: Gateway) -> None:
    """Wait until what goes on beside responses has ended: where nobody can tell, for longer than it takes."""
    if gateway.runtime == "workerd":
        time.sleep(0.25)
        return
    ends_at_s = time.monotonic() + 5
    with gateway.client() as client:
        while (stats := client.get("/__host/stats").json())["pending_waits"]:
            assert time.monotonic() < ends_at_s, stats
            time.sleep(0.02)


def test_a_plain_answer_is_given_again_without_a_call(keeping: Gateway, journal: Journal) -> None:
    body = asked(journal, "sim/status-503", "sim/ok")

    first, second = post_and_let_keep(keeping, body), post(keeping, body)

    assert (first.headers["x-gateway-cache"], second.headers["x-gateway-cache"]) == ("miss", "hit")
    assert journal.models() == ["sim/status-503", "sim/ok"]
    once, again = first.json(), second.json()
    assert (again["id"], again["choices"]) == (once["id"], once["choices"])
    assert (again["usage"]["cost"], again["usage"]["total_tokens"]) == (0, once["usage"]["total_tokens"])
    receipt = again["gateway"]
    assert (receipt["served"], receipt["attempts"], receipt["cost_usd"]) == ("sim/ok", [], 0)
    assert receipt["cache"]["hit"] is True
    assert int(second.headers["age"]) >= 0


def test_a_stream_is_given_again_as_a_stream(keeping: Gateway, journal: Journal) -> None:
    body = asked(journal, "sim/ok", stream=True)

    first, second = post_and_let_keep(keeping, body), post(keeping, body)

    assert second.headers["x-gateway-cache"] == "hit"
    assert second.headers["content-type"].startswith("text/event-stream")
    assert journal.models() == ["sim/ok"]
    assert without_usage(second.content) == without_usage(first.content)
    once, again = (usage_chunk(each.content) for each in (first, second))
    tokens = {name: value for name, value in once["usage"].items() if name != "cost_details"}
    assert again["usage"] == {**tokens, "cost": 0}
    receipt = again["gateway"]
    assert (receipt["served"], receipt["attempts"], receipt["cost_usd"]) == ("sim/ok", [], 0)
    assert receipt["cache"]["hit"] is True
    assert receipt["request_id"] == second.headers["x-request-id"]
    assert payloads_in(second.content)[-1] == "[DONE]"


def without_usage(stream: bytes) -> list[bytes]:
    """Return a stream's events as they came, without comments, and without the one that has the receipt."""
    events = stream.split(b"\n\n")
    return [each for each in events if not each.startswith(b":") and b'"gateway":' not in each]


def usage_chunk(stream: bytes) -> dict[str, Any]:
    """Return the chunk that has the receipt."""
    (chunk,) = [each for each in payloads_in(stream) if each != "[DONE]" and "gateway" in each]
    assert isinstance(chunk, dict)
    return chunk


def test_openais_client_reads_a_stream_that_is_given_again(keeping: Gateway, journal: Journal) -> None:
    texts = []
    with openai(keeping) as client:
        for _ in range(2):
            chunks = client.chat.completions.create(
                model="sim/ok",
                messages=[{"role": "user", "content": "What is the capital of Australia?"}],
                user=journal.user,
                stream=True,
                extra_body={"gateway": {"cache_ttl_s": 60}},
            )
            texts.append("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
            let_keep(keeping)
    assert texts == [OK_TEXT, OK_TEXT]
    assert journal.models() == ["sim/ok"]


@pytest.mark.parametrize("model", ["sim/tools", "sim/ok-03-length-empty-content"])
def test_what_calls_a_tool_or_was_cut_is_not_kept(keeping: Gateway, journal: Journal, model: str) -> None:
    body = asked(journal, model)

    answers = [post_and_let_keep(keeping, body) for _ in range(2)]

    assert [each.headers.get("x-gateway-cache") for each in answers] == ["miss", "miss"]
    assert len(journal.models()) == 2


def test_without_the_option_nothing_is_kept_or_looked_for(keeping: Gateway, journal: Journal) -> None:
    for _ in range(2):
        answer = post_and_let_keep(keeping, question(journal, "sim/ok"))
        assert "x-gateway-cache" not in answer.headers
    assert len(journal.models()) == 2
