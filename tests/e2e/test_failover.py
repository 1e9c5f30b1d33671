"""Failover by kinds of trouble: the client gets the best that the kind allows, for a counted number of calls.

``test_faults`` checks each behaviour's code and receipt. Here a kind ends in another model's answer, or in
the same model's second try, or in an honest error. Every test counts the calls that reached the upstream.
"""

import json
import time
from typing import Any

import httpx
import pytest

from tests.support.chat import OK_TEXT, SLACK_S, attempts_in, cut_off_in, error_in, post, question
from tests.support.chat import said_in as text_in
from tests.support.chunks import payloads_in
from tests.support.fidelity import read_answer, read_stream
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

PART = "Canberra is the capital"
LIMITS = {"attempt_ms": 700, "first_token_ms": 500, "idle_ms": 400, "retries": 0}
both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


def ask(
    gateway: Gateway, journal: Journal, *models: str, stream: bool, options: dict[str, Any] | None = None
) -> httpx.Response:
    return post(gateway, question(journal, *models, stream=stream, gateway=LIMITS | (options or {})))


def check_answered(answer: httpx.Response, *, stream: bool) -> None:
    """Fail unless the client got one complete answer, as from a healthy model."""
    assert answer.status_code == 200
    if stream:
        found = read_stream(answer.content)
        assert (found.text, found.done, found.finishes) == (OK_TEXT, True, {"0": "stop"})
        return
    [choice] = read_answer(answer.content)["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (OK_TEXT, "stop")


# What comes before the first word: the next model answers, and nothing of the first one is shown.
BEFORE = {
    "a 429 with a pause": ("sim/retry-after-43", "rate_limited"),
    "a 429": ("sim/status-429", "rate_limited"),
    "a 500": ("sim/status-500", "openrouter_error"),
    "a 503": ("sim/status-503", "overloaded"),
    "a connection reset": ("sim/reset", "connection_failed"),
    "no response": ("sim/hang", ""),
    "a slow first token": ("sim/comments-3000ms", ""),
    "a stall before the first token": ("sim/stall-before", ""),
    "a malformed event or body": ("sim/cut-json", ""),
    "a rate limit in the stream": ("sim/rate-limit-first", "rate_limited"),
    "a content filter": ("sim/filtered", "filtered_answer"),
}


@both
@pytest.mark.parametrize("kind", BEFORE)
def test_what_fails_before_the_first_word_is_answered_by_the_next_model(
    gateway: Gateway, journal: Journal, kind: str, stream: bool
) -> None:
    model, code = BEFORE[kind]
    model = model.replace("43", "44") if stream else model  # each request meets the pause for the first time
    began_s = time.monotonic()
    answer = ask(gateway, journal, model, "sim/ok", stream=stream)
    assert time.monotonic() - began_s < 0.7 + SLACK_S
    check_answered(answer, stream=stream)
    assert journal.models() == [model, "sim/ok"]
    [failed, answered] = answer.headers["x-gateway-trace"].split(",")
    assert failed.startswith(f"{model}={code}")
    assert answered == "sim/ok=ok"


# A fault that may pass, as a plain answer's or a stream's (True).
ONCE = [
    *[("sim/status-500-once", stream) for stream in (False, True)],
    *[("sim/status-503-once", stream) for stream in (False, True)],
    *[("sim/reset-once", stream) for stream in (False, True)],
    *[("sim/retry-after-1-once", stream) for stream in (False, True)],
    *[("sim/error-first-once", stream) for stream in (False, True)],
    ("sim/cut-json-once", False),
]


@pytest.mark.parametrize(("model", "stream"), ONCE)
def test_the_only_model_is_tried_again_if_the_fault_may_pass(
    gateway: Gateway, journal: Journal, model: str, stream: bool
) -> None:
    answer = ask(gateway, journal, model, stream=stream, options={"retries": 1})
    check_answered(answer, stream=stream)
    assert journal.models() == [model, model]


@both
def test_endless_429s_end_in_a_429_after_one_call_to_each_model(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    models = ("sim/status-429", "sim/rate-limit-first", "sim/retry-after-3600")
    answer = ask(gateway, journal, *models, stream=stream, options={"retries": 3, "deadline_ms": 5_000})
    error = error_in(answer)
    assert (answer.status_code, error["metadata"]["retryable"]) == (429, True)
    assert error["code"] in ("rate_limited", "models_resting")  # by which of them asked for a pause
    calls = journal.models()
    # The last one may be cooling down since the request before.
    assert calls in ([*models], [*models[:2]])


@both
def test_a_model_that_flaps_costs_at_most_two_calls_for_each_answer(
    gateway: Gateway, simulator: str, journal: Journal, stream: bool
) -> None:
    for number in range(6):
        own = Journal(simulator, f"{journal.user}-{number}")
        model = "sim/status-503-once" if number % 2 else "sim/ok"
        answer = ask(gateway, own, model, "sim/ok-usage-empty-choices", stream=stream)
        check_answered(answer, stream=stream)
        assert own.models() == [model, "sim/ok-usage-empty-choices"][: 1 + number % 2]


# What cuts a stream off after its first words.
AFTER = {
    "cut": ("sim/cut-after", "no_finish_reason"),
    "connection reset": ("sim/reset-after", "connection_lost"),
    "stall": ("sim/stall-after", "idle_timeout"),
    "stall with comments": ("sim/stall-comments", "idle_timeout"),
    "malformed event": ("sim/cut-event", "malformed_event"),
    "rate limit": ("sim/rate-limit-mid", "rate_limited"),
    "error": ("sim/error-mid", "overloaded"),
    "tool call cut": ("sim/tools-cut", "no_finish_reason"),
}


@pytest.mark.parametrize("kind", AFTER)
def test_what_cuts_a_stream_off_ends_it_in_one_honest_error_and_no_other_call(
    gateway: Gateway, journal: Journal, kind: str
) -> None:
    model, code = AFTER[kind]
    answer = ask(gateway, journal, model, "sim/ok", stream=True)
    found = read_stream(answer.content)
    assert (found.done, found.finishes) == (False, {})
    text, error = cut_off_in(answer.content)
    assert (error["code"], error["metadata"]["partial"]) == (code, True)
    assert OK_TEXT.startswith(text)
    assert journal.models() == [model]


@pytest.mark.parametrize("kind", AFTER)
def test_what_cuts_a_stream_off_is_answered_anew_by_the_next_model_on_request(
    gateway: Gateway, journal: Journal, kind: str
) -> None:
    model, code = AFTER[kind]
    answer = ask(gateway, journal, model, "sim/ok", stream=True, options={"on_midstream": "restart"})
    found = read_stream(answer.content)
    [restart] = [
        at for at, each in enumerate(found.payloads) if each.get("gateway", {}).get("event") == "restart"
    ]
    assert text_in(found.payloads[restart:]) == OK_TEXT
    assert (found.done, found.finishes) == (True, {"0": "stop"})
    receipt = next(each["gateway"] for each in found.payloads if each.get("usage"))
    assert attempts_in(receipt) == [(model, code), ("sim/ok", "answered")]
    assert journal.models() == [model, "sim/ok"]


@pytest.mark.parametrize("kind", AFTER)
def test_what_cuts_a_plain_answer_off_is_answered_by_the_next_model(
    gateway: Gateway, journal: Journal, kind: str
) -> None:
    model, _ = AFTER[kind]
    check_answered(ask(gateway, journal, model, "sim/ok", stream=False), stream=False)
    assert journal.models() == [model, "sim/ok"]


def test_a_tool_call_that_is_cut_is_called_anew_as_a_whole(gateway: Gateway, journal: Journal) -> None:
    models = ("sim/tools-cut", "sim/tools")
    answer = ask(gateway, journal, *models, stream=True, options={"on_midstream": "restart"})
    found = read_stream(answer.content)
    [restart] = [
        at for at, each in enumerate(found.payloads) if each.get("gateway", {}).get("event") == "restart"
    ]
    assert json.loads(arguments_in(found.payloads[restart:])) == {"city": "Oslo"}
    assert (found.done, found.finishes) == (True, {"0": "tool_calls"})
    assert journal.models() == [*models]


def arguments_in(payloads: list[dict[str, Any]]) -> str:
    deltas = [choice["delta"] for each in payloads for choice in each["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    return "".join(call["function"].get("arguments") or "" for call in calls)


def test_a_stream_without_done_is_complete_and_gets_it(gateway: Gateway, journal: Journal) -> None:
    answer = ask(gateway, journal, "sim/no-done", "sim/ok", stream=True)
    check_answered(answer, stream=True)
    assert payloads_in(answer.content)[-1] == "[DONE]"
    assert journal.models() == ["sim/no-done"]


@both
def test_a_content_filter_alone_is_an_honest_error(gateway: Gateway, journal: Journal, stream: bool) -> None:
    answer = ask(gateway, journal, "sim/filtered", stream=stream, options={"retries": 2})
    assert (answer.status_code, error_in(answer)["code"]) == (502, "filtered_answer")
    assert journal.models() == ["sim/filtered"]


@both
def test_a_content_filter_after_some_text_is_named_as_the_finish_reason(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    answer = ask(gateway, journal, "sim/filtered-later", "sim/ok", stream=stream)
    if stream:
        assert read_stream(answer.content).finishes == {"0": "content_filter"}
    else:
        assert read_answer(answer.content)["choices"][0]["finish_reason"] == "content_filter"
    assert journal.models() == ["sim/filtered-later"]


def test_a_refused_prefill_does_not_end_the_answer(gateway: Gateway, journal: Journal) -> None:
    models = ("sim/error-mid", "sim/status-400", "sim/ok")
    answer = ask(gateway, journal, *models, stream=True, options={"on_midstream": "continue"})
    found = read_stream(answer.content)
    assert (found.done, found.finishes) == (True, {"0": "stop"})
    assert found.text.startswith(PART)
    assert found.text.endswith(OK_TEXT.removeprefix(PART))
    calls = journal.models()
    assert (calls[0], calls[-1]) == ("sim/error-mid", "sim/ok")
    assert 1 <= calls.count("sim/status-400") <= 2  # once with the prefill, and once in another form
