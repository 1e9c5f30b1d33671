"""Direct upstreams: the simulator serves twice here, as OpenRouter and as a direct upstream."""

import json
from collections.abc import Callable

import pytest

from scripts.dev.ports import free_port
from tests.support.chat import error_in, post, question
from tests.support.chunks import payloads_in
from tests.support.gateway_keys import DIRECT
from tests.support.journal import Journal
from tests.support.runtimes import UPSTREAM_KEY, Gateway

PRICES = {"sim/ok": {"prompt": 1, "completion": 2}}


@pytest.fixture(scope="session")
def direct(start_gateway: Callable[..., Gateway], simulator: str) -> Gateway:
    """A gateway with the direct upstreams `near`, which is the simulator, and `down`, which is offline."""
    declared = {
        "near": {"base_url": simulator, "secret": "NEAR_KEY", "usd_per_million_tokens": PRICES},
        "down": {"base_url": f"http://127.0.0.1:{free_port()}/v1"},
    }
    return start_gateway(UPSTREAMS=json.dumps(declared), NEAR_KEY=DIRECT)


@pytest.mark.parametrize("stream", [False, True])
def test_a_chain_starts_direct_and_falls_back_to_openrouter(
    direct: Gateway, journal: Journal, stream: bool
) -> None:
    answer = post(
        direct,
        question(journal, "direct:down/any", "direct:near/sim/status-503", "sim/ok", stream=stream),
    )

    assert answer.status_code == 200
    receipt = (
        next(each for each in reversed(payloads_in(answer.content)) if each != "[DONE]")["gateway"]
        if stream
        else answer.json()["gateway"]
    )
    assert [(each["upstream"], each["code"]) for each in receipt["attempts"]] == [
        ("down", "direct_connection_failed"),
        ("near", "overloaded"),
        ("openrouter", None),
    ]
    keys = [call["headers"]["authorization"] for call in journal.entries()]
    assert keys == [f"Bearer {DIRECT}", f"Bearer {UPSTREAM_KEY}"]
    assert DIRECT not in answer.text + str(answer.headers) + direct.log_text()


def test_a_direct_upstream_answers_while_openrouter_is_down(
    cut_off_gateway: Gateway, journal: Journal
) -> None:
    answer = post(cut_off_gateway, question(journal, "sim/ok", "direct:near/sim/ok"))

    assert answer.json()["gateway"]["served"] == "direct:near/sim/ok"
    assert answer.headers["x-gateway-model"] == "direct:near/sim/ok"


@pytest.mark.parametrize("model", ["sim/reset-after", "sim/cut-after", "sim/error-mid"])
def test_a_stream_that_is_cut_off_blames_the_upstream_that_was_called(
    direct: Gateway, journal: Journal, model: str
) -> None:
    answer = post(direct, question(journal, f"direct:near/{model}", stream=True))

    (error,) = [each["error"] for each in payloads_in(answer.content) if "error" in each]
    assert error["metadata"]["source"] == "provider"
    assert "openrouter" not in error["message"].lower()
    (attempt,) = error["metadata"]["gateway"]["attempts"]
    assert (attempt["outcome"], attempt["billed"]) == ("cut_off", "unknown")


def test_a_direct_answers_cost_is_calculated_from_the_declared_price(
    direct: Gateway, journal: Journal
) -> None:
    answer = post(direct, question(journal, "direct:near/sim/ok")).json()

    usage = answer["usage"]
    expected_usd = (usage["prompt_tokens"] * 1 + usage["completion_tokens"] * 2) / 1_000_000
    assert answer["gateway"]["cost_usd"] == pytest.approx(expected_usd)


def test_openrouters_own_fields_are_not_sent_to_a_direct_upstream(direct: Gateway, journal: Journal) -> None:
    post(direct, question(journal, "direct:near/sim/ok", provider={"sort": "price"}, stream=True))

    (call,) = journal.entries()
    body = call["body"]
    assert "provider" not in body
    assert body["model"] == "sim/ok"
    assert body["stream_options"] == {"include_usage": True}
    assert "http-referer" not in call["headers"]


def test_the_error_names_a_missing_secret(start_gateway: Callable[..., Gateway], journal: Journal) -> None:
    declared = {"near": {"base_url": "https://near.example/v1", "secret": "NEAR_KEY"}}
    gateway = start_gateway(UPSTREAMS=json.dumps(declared))

    answer = post(gateway, question(journal, "sim/ok"))

    error = error_in(answer)
    assert (answer.status_code, error["code"], error["param"]) == (500, "bad_setting", "NEAR_KEY")
    assert journal.entries() == []
