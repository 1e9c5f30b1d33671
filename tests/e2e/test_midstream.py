"""Mid-stream policies: a cut-off stream ends in an error, restarts or continues, as the caller chose."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.test_upstream import events_of
from tests.support.chat import (
    OK_TEXT,
    QUESTION,
    attempts_in,
    check_error,
    cut_off_in,
    error_in,
    post,
    question,
    said_in,
)
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import UPSTREAM_KEY, Gateway
from tests.support.tls import tls

PART = "Canberra is the capital"
BREAKS = {
    "sim/error-mid": "overloaded",
    "sim/error-mid-string": "provider_error",
    "sim/cut-after": "no_finish_reason",
    "sim/reset-after": "connection_lost",
    "sim/stall-comments": "idle_timeout",
}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
HEALTHY = ("sim/ok", "sim/one-byte", "sim/long-200", "sim/huge-event", "sim/crlf", "sim/cr", "sim/tools")


def cut_off(gateway: Gateway, journal: Journal, *models: str, how: str, **fields: object) -> httpx.Response:
    options = {"on_midstream": how, "idle_ms": 500, "retries": 0}
    return post(gateway, question(journal, *models, stream=True, gateway=options, **fields))


def usage_in(payloads: list[Any]) -> dict[str, Any]:
    [chunk] = [each for each in payloads if each != "[DONE]" and each.get("usage")]
    return dict(chunk)


@pytest.mark.parametrize("model", BREAKS)
def test_a_cut_off_answer_ends_in_an_error_and_no_other_model_is_asked(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    text, error = cut_off_in(cut_off(gateway, journal, model, "sim/ok", how="error").content)
    assert text == PART
    assert error["code"] == BREAKS[model]
    assert error["metadata"]["partial"] is True
    assert attempts_in(error["metadata"]["gateway"]) == [(model, BREAKS[model])]
    assert journal.models() == [model]


@pytest.mark.parametrize("model", BREAKS)
def test_restart_marks_where_another_model_starts_over(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    payloads = payloads_in(cut_off(gateway, journal, model, "sim/ok", how="restart").content)
    [mark] = [at for at, each in enumerate(payloads) if _is_restart(each)]
    marker = payloads[mark]["gateway"]
    assert (marker["event"], marker["code"], marker["model"]) == ("restart", BREAKS[model], "sim/ok")
    assert payloads[mark]["choices"] == []
    assert said_in(payloads[:mark]) == PART
    assert said_in(payloads[mark:]) == OK_TEXT
    assert {each["model"] for each in payloads[:mark]} == {model}
    assert {each["model"] for each in payloads[mark:-1]} == {"sim/ok"}
    assert payloads[-1] == "[DONE]"
    receipt = usage_in(payloads)["gateway"]
    assert attempts_in(receipt) == [(model, BREAKS[model]), ("sim/ok", "answered")]
    assert receipt["attempts"][1]["resumes"] == "restart"
    assert receipt["served"] == "sim/ok"


@pytest.mark.parametrize("model", ["sim/error-mid", "sim/cut-after", "sim/stall-comments"])
def test_continue_gives_the_text_so_far_to_the_next_model_and_goes_on(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    payloads = payloads_in(cut_off(gateway, journal, model, "sim/ok", how="continue").content)
    assert said_in(payloads) == OK_TEXT
    assert payloads[-1] == "[DONE]"
    assert not any(_is_restart(each) for each in payloads)
    second = journal.entries()[1]
    assert second["body"]["messages"] == [*QUESTION, {"role": "assistant", "content": PART}]
    receipt = usage_in(payloads)["gateway"]
    assert attempts_in(receipt) == [(model, BREAKS[model]), ("sim/ok", "answered")]
    assert receipt["attempts"][1]["resumes"] == "continue"


@pytest.mark.parametrize(
    "next_model", ["sim/continues", "sim/continues-last-words", "sim/continues-whole", "sim/ok"]
)
def test_continue_drops_what_the_next_model_repeats(
    gateway: Gateway, journal: Journal, next_model: str
) -> None:
    payloads = payloads_in(cut_off(gateway, journal, "sim/cut-after", next_model, how="continue").content)
    assert said_in(payloads) == OK_TEXT
    assert payloads[-1] == "[DONE]"
    assert journal.models() == ["sim/cut-after", next_model]


def test_continue_asks_a_model_that_refuses_a_prefill_in_another_form(
    gateway: Gateway, journal: Journal
) -> None:
    answer = cut_off(gateway, journal, "sim/cut-after", "sim/refuses-prefill", how="continue")
    payloads = payloads_in(answer.content)
    assert said_in(payloads) == OK_TEXT
    assert payloads[-1] == "[DONE]"
    prefilled, instructed = (entry["body"]["messages"] for entry in journal.entries()[1:])
    assert prefilled == [*QUESTION, {"role": "assistant", "content": PART}]
    assert instructed[:-1] == prefilled
    assert instructed[-1]["role"] == "user"
    receipt = usage_in(payloads)["gateway"]
    refusing = "sim/refuses-prefill"
    assert attempts_in(receipt) == [
        ("sim/cut-after", "no_finish_reason"),
        (refusing, "rejected_by_provider"),
        (refusing, "answered"),
    ]
    assert receipt["attempts"][2]["resumes"] == "continue"


@pytest.mark.parametrize("model", BREAKS)
def test_hold_shows_nothing_of_a_cut_off_answer(gateway: Gateway, journal: Journal, model: str) -> None:
    answer = cut_off(gateway, journal, model, "sim/ok", how="hold")
    payloads = payloads_in(answer.content)
    assert said_in(payloads) == OK_TEXT
    assert payloads[-1] == "[DONE]"
    assert {each["model"] for each in payloads[:-1]} == {"sim/ok"}
    assert not any(_is_restart(each) for each in payloads)
    receipt = usage_in(payloads)["gateway"]
    assert attempts_in(receipt) == [(model, BREAKS[model]), ("sim/ok", "answered")]
    assert receipt["attempts"][0]["outcome"] == "cut_off"
    assert answer.headers["x-gateway-model"] == "sim/ok"
    assert journal.models() == [model, "sim/ok"]


@pytest.mark.parametrize("model", ["sim/error-mid", "sim/reset-after"])
def test_hold_ends_with_an_error_status_if_no_model_answers(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    answer = cut_off(gateway, journal, model, "sim/status-404", how="hold")
    assert (answer.status_code, error_in(answer)["code"]) == (404, "no_endpoints")
    assert PART.encode() not in answer.content
    assert journal.models() == [model, "sim/status-404"]


def test_hold_sends_comments_and_then_the_complete_answer(gateway: Gateway, journal: Journal) -> None:
    options = {"on_midstream": "hold", "keepalive_ms": 200, "idle_ms": 500}
    body = question(journal, "sim/stall-after", "sim/drip-50ms", stream=True, gateway=options)
    raw = post(gateway, body).content
    begin = raw.index(b"data: ")
    assert raw[:begin].count(b": keep-alive\n\n") >= 3
    assert b": keep-alive" not in raw[begin:]
    payloads = payloads_in(raw)
    assert said_in(payloads).startswith("every question deserves")
    assert payloads[-1] == "[DONE]"
    [entry] = [each for each in journal.entries() if each["model"] == "sim/drip-50ms"]
    assert entry["outcome"] == "answered"


def test_hold_ends_with_an_error_event_if_comments_were_sent(gateway: Gateway, journal: Journal) -> None:
    options = {"on_midstream": "hold", "keepalive_ms": 200, "idle_ms": 700}
    answer = post(gateway, question(journal, "sim/stall-after", stream=True, gateway=options))
    [payload] = payloads_in(answer.content)
    assert (answer.status_code, payload["error"]["code"]) == (200, "idle_timeout")
    check_error(payload["error"])
    assert PART.encode() not in answer.content


def test_hold_guards_all_events_whatever_the_setting(
    start_gateway: Callable[..., Gateway], journal: Journal
) -> None:
    unwatched = start_gateway(STREAM_GUARD_EVENTS="0")
    payloads = payloads_in(cut_off(unwatched, journal, "sim/cut-after", "sim/ok", how="hold").content)
    assert said_in(payloads) == OK_TEXT
    assert usage_in(payloads)["gateway"]["served"] == "sim/ok"


@pytest.mark.parametrize("model", HEALTHY)
def test_a_held_answer_is_the_same_as_another(gateway: Gateway, journal: Journal, model: str) -> None:
    held, sent = (
        post(gateway, question(journal, model, stream=True, gateway={"on_midstream": how})).content
        for how in ("hold", "error")
    )
    assert [without_id(each) for each in payloads_in(held)] == [
        without_id(each) for each in payloads_in(sent)
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [TOOL]},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}},
        {"n": 2},
    ],
)
def test_continue_does_not_take_over_answers_that_may_hold_more_than_text(
    gateway: Gateway, journal: Journal, fields: dict[str, Any]
) -> None:
    answer = cut_off(gateway, journal, "sim/error-mid", "sim/ok", how="continue", **fields)
    text, error = cut_off_in(answer.content)
    assert (text, error["code"]) == (PART, "overloaded")
    assert journal.models() == ["sim/error-mid"]


@pytest.mark.parametrize("how", ["restart", "continue"])
def test_a_cut_off_answer_ends_in_an_error_when_no_model_takes_over(
    gateway: Gateway, journal: Journal, how: str
) -> None:
    answer = cut_off(gateway, journal, "sim/error-mid", "sim/status-404", "sim/empty-stream", how=how)
    text, error = cut_off_in(answer.content)
    assert text == PART
    assert error["metadata"]["partial"] is True
    assert journal.models() == ["sim/error-mid", "sim/status-404", "sim/empty-stream"]
    tried = [model for model, _ in attempts_in(error["metadata"]["gateway"])]
    assert tried == journal.models()


def test_a_second_cut_off_is_marked_like_the_first(gateway: Gateway, journal: Journal) -> None:
    answer = cut_off(gateway, journal, "sim/error-mid", "sim/cut-after", "sim/ok", how="restart")
    payloads = payloads_in(answer.content)
    marks = [at for at, each in enumerate(payloads) if _is_restart(each)]
    assert [payloads[at]["gateway"]["model"] for at in marks] == ["sim/cut-after", "sim/ok"]
    assert said_in(payloads[marks[1] :]) == OK_TEXT


@pytest.mark.parametrize("events", ["0", "3"])
@pytest.mark.parametrize("model", HEALTHY)
def test_an_unwatched_stream_arrives_unchanged(
    start_gateway: Callable[..., Gateway], simulator: str, journal: Journal, model: str, events: str
) -> None:
    body = question(journal, model, stream=True)
    through = post(start_gateway(STREAM_GUARD_EVENTS=events), body).content
    key = {"authorization": f"Bearer {UPSTREAM_KEY}"}
    direct = httpx.post(
        f"{simulator}/chat/completions", json=body, headers=key, trust_env=False, verify=tls()
    ).content
    # The usage may be among the three events that are watched. It then holds the receipt.
    assert unpriced(events_of(through)) == unpriced(events_of(direct))


@pytest.mark.parametrize("events", ["0", "3"])
def test_an_unwatched_stream_still_comes_from_the_chain(
    start_gateway: Callable[..., Gateway], journal: Journal, events: str
) -> None:
    unwatched = start_gateway(STREAM_GUARD_EVENTS=events)
    answer = post(unwatched, question(journal, "sim/error-first", "sim/comments-300ms", stream=True))
    assert answer.headers["x-gateway-trace"] == "sim/error-first=provider_error,sim/comments-300ms=ok"
    assert said_in(payloads_in(answer.content)) == OK_TEXT


@pytest.mark.parametrize("events", ["0", "3"])
def test_an_unwatched_stream_that_is_cut_off_gets_no_added_ending(
    start_gateway: Callable[..., Gateway], journal: Journal, events: str
) -> None:
    unwatched = start_gateway(STREAM_GUARD_EVENTS=events)
    raw = post(unwatched, question(journal, "sim/cut-after", "sim/ok", stream=True)).content
    assert b"[DONE]" not in raw
    assert said_in(payloads_in(raw)) == PART


def without_id(payload: Any) -> Any:  # noqa: ANN401  # JSON of any kind
    """Return a payload without what differs between two answers, also in its tool calls."""
    if isinstance(payload, list):
        return [without_id(each) for each in payload]
    if not isinstance(payload, dict):
        return payload
    varying = {"id", "created", "gateway"}
    return {name: without_id(each) for name, each in payload.items() if name not in varying}


def unpriced(events: list[bytes]) -> list[bytes]:
    return [b"usage" if b'"usage":' in event else event for event in events]


def _is_restart(payload: Any) -> bool:  # noqa: ANN401  # JSON of any kind
    return isinstance(payload, dict) and (payload.get("gateway") or {}).get("event") == "restart"
