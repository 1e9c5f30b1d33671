"""A watched plain answer: the limits of a stream hold for it, and a stream that is cut off falls back."""

import time
from typing import Any

import pytest

from tests.support.chat import OK_TEXT, SLACK_S, attempts_in, error_in, post, question
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

BREAKS = {
    "sim/error-mid": "overloaded",
    "sim/cut-after": "no_finish_reason",
    "sim/reset-after": "connection_lost",
    "sim/stall-comments": "idle_timeout",
}
HEALTHY = ("sim/ok", "sim/slow-500ms", "sim/long-200", "sim/huge-event", "sim/crlf", "sim/tools")
WATCH = {"watch": True, "retries": 0}


def said(value: Any) -> Any:  # noqa: ANN401  # JSON
    """Return an answer without nulls, which only plain answers have, and without what always differs."""
    if isinstance(value, dict):
        apart = ("id", "created", "gateway")
        return {name: said(each) for name, each in value.items() if each is not None and name not in apart}
    return [said(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("model", ["sim/hang", "sim/hang-body", "sim/stall-before", "sim/comments-only"])
def test_a_silent_model_is_left_early(gateway: Gateway, journal: Journal, model: str) -> None:
    began_s = time.monotonic()
    body = question(journal, model, "sim/ok", gateway={**WATCH, "first_token_ms": 400})

    answer = post(gateway, body).json()

    assert time.monotonic() - began_s < 0.4 + SLACK_S
    assert answer["choices"][0]["message"]["content"] == OK_TEXT
    assert attempts_in(answer["gateway"]) == [(model, "first_token_timeout"), ("sim/ok", "answered")]
    assert [each["watched"] for each in answer["gateway"]["attempts"]] == [True, True]


@pytest.mark.parametrize("model", BREAKS)
def test_an_answer_that_is_cut_off_falls_back(gateway: Gateway, journal: Journal, model: str) -> None:
    body = question(journal, model, "sim/ok", gateway={**WATCH, "idle_ms": 500})

    answer = post(gateway, body).json()

    assert answer["choices"][0]["message"]["content"] == OK_TEXT
    assert attempts_in(answer["gateway"]) == [(model, BREAKS[model]), ("sim/ok", "answered")]


@pytest.mark.parametrize("model", HEALTHY)
def test_the_answer_is_as_without_a_watch(gateway: Gateway, journal: Journal, model: str) -> None:
    watched, plain = (
        post(gateway, question(journal, model, gateway={"watch": watch})).json() for watch in (True, False)
    )

    assert said(watched) == said(plain)


def test_without_another_model_the_fault_is_the_error(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, question(journal, "sim/cut-after", gateway=WATCH))

    assert (answer.status_code, error_in(answer)["code"]) == (502, "no_finish_reason")
