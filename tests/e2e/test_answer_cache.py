"""The answer cache over HTTP, with the runtime's Cache API: the second request makes no call."""

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
def caching_gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with an answer cache; the 2024 workerd always has one, whatever is bound."""
    return start_gateway(bindings=("ANSWERS",))


def cacheable_question(journal: Journal, *models: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON of any kind
    return question(journal, *models, gateway={"cache_ttl_s": 60}, **fields)


def post_and_wait_until_stored(gateway: Gateway, body: dict[str, Any]) -> httpx.Response:
    """Return the response after its answer was stored, which happens in the background."""
    answer = post(gateway, body)
    wait_until_stored(gateway)
    return answer


def wait_until_stored(gateway: Gateway) -> None:
    """Wait for the gateway's background work. On workerd it cannot be observed: wait long enough for it."""
    if gateway.runtime == "workerd":
        time.sleep(0.25)
        return
    ends_at_s = time.monotonic() + 5
    with gateway.client() as client:
        while (stats := client.get("/__host/stats").json())["pending_waits"]:
            assert time.monotonic() < ends_at_s, stats
            time.sleep(0.02)


def test_a_cached_plain_answer_is_returned_without_a_call(caching_gateway: Gateway, journal: Journal) -> None:
    body = cacheable_question(journal, "sim/status-503", "sim/ok")

    first, second = post_and_wait_until_stored(caching_gateway, body), post(caching_gateway, body)

    assert (first.headers["x-gateway-cache"], second.headers["x-gateway-cache"]) == ("miss", "hit")
    assert journal.models() == ["sim/status-503", "sim/ok"]
    once, again = first.json(), second.json()
    assert (again["id"], again["choices"]) == (once["id"], once["choices"])
    assert (again["usage"]["cost"], again["usage"]["total_tokens"]) == (0, once["usage"]["total_tokens"])
    receipt = again["gateway"]
    assert (receipt["served"], receipt["attempts"], receipt["cost_usd"]) == ("sim/ok", [], 0)
    assert receipt["cache"]["hit"] is True
    assert int(second.headers["age"]) >= 0


def test_a_cached_stream_is_returned_as_a_stream(caching_gateway: Gateway, journal: Journal) -> None:
    body = cacheable_question(journal, "sim/ok", stream=True)

    first, second = post_and_wait_until_stored(caching_gateway, body), post(caching_gateway, body)

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
    """Return a stream's events unchanged, without comments and without the event that has the receipt."""
    events = stream.split(b"\n\n")
    return [each for each in events if not each.startswith(b":") and b'"gateway":' not in each]


def usage_chunk(stream: bytes) -> dict[str, Any]:
    """Return the chunk that has the receipt."""
    (chunk,) = [each for each in payloads_in(stream) if each != "[DONE]" and "gateway" in each]
    assert isinstance(chunk, dict)
    return chunk


def test_openais_client_reads_a_cached_stream(caching_gateway: Gateway, journal: Journal) -> None:
    texts = []
    with openai(caching_gateway) as client:
        for _ in range(2):
            chunks = client.chat.completions.create(
                model="sim/ok",
                messages=[{"role": "user", "content": "What is the capital of Australia?"}],
                user=journal.user,
                stream=True,
                extra_body={"gateway": {"cache_ttl_s": 60}},
            )
            texts.append("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
            wait_until_stored(caching_gateway)
    assert texts == [OK_TEXT, OK_TEXT]
    assert journal.models() == ["sim/ok"]


@pytest.mark.parametrize("model", ["sim/tools", "sim/ok-03-length-empty-content"])
def test_tool_calls_and_truncated_answers_are_not_cached(
    caching_gateway: Gateway, journal: Journal, model: str
) -> None:
    body = cacheable_question(journal, model)

    answers = [post_and_wait_until_stored(caching_gateway, body) for _ in range(2)]

    assert [each.headers.get("x-gateway-cache") for each in answers] == ["miss", "miss"]
    assert len(journal.models()) == 2


def test_without_the_option_the_cache_is_neither_read_nor_written(
    caching_gateway: Gateway, journal: Journal
) -> None:
    for _ in range(2):
        answer = post_and_wait_until_stored(caching_gateway, question(journal, "sim/ok"))
        assert "x-gateway-cache" not in answer.headers
    assert len(journal.models()) == 2


def test_each_input_of_embeddings_is_cached_for_itself(caching_gateway: Gateway, journal: Journal) -> None:
    body = {"model": "sim/ok", "user": journal.user, "gateway": {"cache_ttl_s": 60}}
    with caching_gateway.client() as client:
        first = client.post("/v1/embeddings", json=body | {"input": ["one", "two"]})
        wait_until_stored(caching_gateway)
        again = client.post("/v1/embeddings", json=body | {"input": ["two", "new", "one"]})

    one, two = (row["embedding"] for row in first.json()["data"])
    assert [row["embedding"] for row in again.json()["data"]][0::2] == [two, one]
    assert again.json()["gateway"]["cache"]["items_hit"] == 2
