"""Chat over HTTP: what a client gets when a chain answers, and when it is exhausted."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from openai import AuthenticationError, NotFoundError, OpenAIError

from tests.support.chat import OK_TEXT, QUESTION, attempts_in, error_in, openai, post, question
from tests.support.chunks import payloads_in, text_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

FAILS, GONE, REFUSED = "sim/status-503", "sim/status-404", "sim/status-401"


@pytest.mark.parametrize("path", ["/v1", "/api/v1"])
def test_the_openai_client_gets_a_plain_answer(gateway: Gateway, journal: Journal, path: str) -> None:
    with openai(gateway, path=path) as client:
        answer = client.chat.completions.create(model="sim/ok", messages=QUESTION, user=journal.user)  # type: ignore[arg-type]  # a dict is a message
    assert answer.choices[0].message.content == OK_TEXT
    assert answer.model == "sim/ok"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert journal.models() == ["sim/ok"]


@pytest.mark.parametrize("path", ["/v1", "/api/v1"])
def test_the_openai_client_gets_a_streamed_answer(gateway: Gateway, journal: Journal, path: str) -> None:
    with openai(gateway, path=path) as client:
        stream: Iterable[Any] = client.chat.completions.create(
            model="sim/ok",
            messages=QUESTION,  # type: ignore[arg-type]  # a dict is a message
            stream=True,
            user=journal.user,
        )
        chunks = list(stream)
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == OK_TEXT
    assert sum(bool(text) for text in texts) > 1
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices].count("stop") == 1


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_model_answers_when_the_first_fails(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    answer = post(gateway, question(journal, FAILS, GONE, "sim/ok", stream=stream))
    assert answer.status_code == 200
    assert journal.models() == [FAILS, GONE, "sim/ok"]
    assert answer.headers["x-gateway-model"] == "sim/ok"
    assert answer.headers["x-gateway-attempts"] == "3"
    assert answer.headers["x-gateway-trace"] == f"{FAILS}=overloaded,{GONE}=no_endpoints,sim/ok=ok"
    assert "upstream;dur=" in answer.headers["server-timing"]
    if stream:
        assert text_in(payloads_in(answer.content)) == OK_TEXT
    else:
        assert answer.json()["choices"][0]["message"]["content"] == OK_TEXT


@pytest.mark.parametrize("stream", [False, True])
def test_an_exhausted_chain_is_an_error_with_the_last_status_and_all_attempts(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    answer = post(gateway, question(journal, FAILS, GONE, stream=stream))
    error = error_in(answer)
    assert (answer.status_code, error["code"], error["metadata"]["source"]) == (
        404,
        "no_endpoints",
        "openrouter",
    )
    assert error["message"].startswith("No model answered. sim/status-503: ")
    assert "; sim/status-404: " in error["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    receipt = error["metadata"]["gateway"]
    assert attempts_in(receipt) == [(FAILS, "overloaded"), (GONE, "no_endpoints")]
    assert receipt["served"] is None
    assert receipt["request_id"] == answer.headers["x-request-id"]
    assert journal.models() == [FAILS, GONE]


def test_every_error_of_an_exhausted_chain_is_listed_on_request(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, question(journal, FAILS, GONE, gateway={"errors": "all"}))
    listed = error_in(answer)["metadata"]["errors"]
    assert [(each["model"], each["status"]) for each in listed] == [(FAILS, 503), (GONE, 404)]


def test_the_clients_retries_do_not_multiply_attempts(gateway: Gateway, journal: Journal) -> None:
    with openai(gateway, max_retries=2) as client, pytest.raises(OpenAIError):
        client.chat.completions.create(
            model=FAILS,
            messages=QUESTION,  # type: ignore[arg-type]  # a dict is a message
            extra_body={"models": ["sim/status-502"], "user": journal.user, "gateway": {"retries": 0}},
        )
    assert journal.models() == [FAILS, "sim/status-502"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_key_stops_the_chain_at_once(gateway: Gateway, journal: Journal, stream: bool) -> None:
    with openai(gateway) as client, pytest.raises(AuthenticationError) as caught:
        client.chat.completions.create(
            model=REFUSED,
            messages=QUESTION,  # type: ignore[arg-type]  # a dict is a message
            stream=stream,
            extra_body={"models": ["sim/ok"], "user": journal.user},
        )
    error: Any = caught.value.body
    assert error["code"] == "upstream_key_rejected"
    assert error["metadata"]["source"] == "openrouter"
    assert "OPENROUTER_API_KEY" in error["message"]
    assert journal.models() == [REFUSED]


def test_without_fallbacks_only_the_first_model_is_asked(gateway: Gateway, journal: Journal) -> None:
    with openai(gateway) as client, pytest.raises(NotFoundError):
        client.chat.completions.create(
            model=GONE,
            messages=QUESTION,  # type: ignore[arg-type]  # a dict is a message
            extra_body={"models": ["sim/ok"], "user": journal.user, "gateway": {"fallbacks": False}},
        )
    assert journal.models() == [GONE]


def test_the_last_model_is_retried_after_a_temporary_fault(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, question(journal, "sim/status-503-once"))
    assert answer.status_code == 200
    assert journal.models() == ["sim/status-503-once"] * 2
    attempts = answer.json()["gateway"]["attempts"]
    assert [(each["number"], each["outcome"]) for each in attempts] == [(1, "failed"), (2, "answered")]


def test_a_request_without_a_model_uses_the_default_chain(custom_gateway: Gateway, journal: Journal) -> None:
    answer = post(custom_gateway, question(journal))
    assert answer.json()["gateway"]["requested"] == ["sim/status-503", "sim/ok", "sim/tools"]
    assert journal.models() == ["sim/status-503", "sim/ok"]


def test_a_plain_answer_holds_its_receipt(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, question(journal, FAILS, "sim/ok"), **{"x-request-id": "my-own.id_1"})
    receipt = answer.json()["gateway"]
    assert answer.headers["x-request-id"] == receipt["request_id"] == "my-own.id_1"
    assert receipt["requested"] == [FAILS, "sim/ok"]
    assert receipt["served"] == "sim/ok"
    failed, answered = receipt["attempts"]
    assert (failed["status"], failed["code"], failed["source"]) == (503, "overloaded", "provider")
    assert failed["billed"] == "no"
    assert (answered["outcome"], answered["billed"]) == ("answered", "yes")
    assert receipt["cost_usd"] == answered["cost_usd"] == pytest.approx(answer.json()["usage"]["cost"])
    assert receipt["ms"] >= 0


def test_a_stream_has_its_receipt_in_a_header_and_on_the_usage_chunk(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, question(journal, FAILS, "sim/ok", stream=True))
    early = json.loads(answer.headers["x-gateway-receipt"])
    [late] = [each for each in payloads_in(answer.content) if each != "[DONE]" and each.get("usage")]
    receipt = late["gateway"]
    for each in (early, receipt):
        assert each["request_id"] == answer.headers["x-request-id"]
        assert each["served"] == "sim/ok"
        assert attempts_in(each) == [(FAILS, "overloaded"), ("sim/ok", "answered")]
    assert early["cost_usd"] is None
    assert receipt["cost_usd"] == pytest.approx(late["usage"]["cost"])


def test_an_invalid_request_id_is_replaced(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, question(journal, "sim/ok"), **{"x-request-id": "not an id; at all"})
    assert answer.headers["x-request-id"].startswith("req-")
