"""Checks the soak's replies: each must be the right answer, and complete unless it ends in an error."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from bench.bodies import token
from bench.connection import Reply
from bench.scenarios import plain_problem, stream_problem
from bench.soak.models import BROKEN_EVENTS, SHORT_EVENTS

Check: TypeAlias = Callable[[Reply], str]
"""Returns what is wrong with a reply; empty if nothing is."""

SOURCES = frozenset({"client", "gateway", "openrouter", "provider"})


def answered(check: Check, *attempts: int) -> Check:
    """Return a check: the reply passes ``check`` and took one of these numbers of attempts (1 by default)."""
    expected = [b"\r\nx-gateway-attempts: %d\r\n" % number for number in attempts or (1,)]

    def problem(reply: Reply) -> str:
        if reply.status != 200:
            return f"status {reply.status}: {reply.body[:300]!r}"
        if not any(line in reply.head for line in expected):
            return f"wrong number of attempts: {reply.head.decode()}"
        return check(reply)

    return problem


def plain(model: str = "bench/1k") -> Check:
    """Return a check: the body is the model's answer."""
    return plain_problem(model, 0)


def streamed(count: int = SHORT_EVENTS) -> Check:
    """Return a check: the body is a complete stream of ``count`` events."""
    return lambda reply: stream_problem(reply, count)


def refused(status: int, code: str) -> Check:
    """Return a check: the reply is this error, in the gateway's format."""

    def problem(reply: Reply) -> str:
        if reply.status != status:
            return f"status {reply.status}, not {status}: {reply.body[:300]!r}"
        return _error_problem(reply.body, code)

    return problem


def ends_cut_off(code: str) -> Check:
    """Return a check: the stream was cut off, has the text before that, and ends in this error."""

    def problem(reply: Reply) -> str:
        if reply.status != 200:
            return f"status {reply.status}"
        *before, last = _data_of(reply.body)
        if b"[DONE]" in before or last == b"[DONE]":
            return "a cut-off stream ends as if it were complete"
        text = _text_of(before)
        if text != "".join(map(token, range(BROKEN_EVENTS))):
            return f"the text before the cut is wrong: {text!r}"
        return _error_problem(last, code)

    return problem


def taken_over(reply: Reply) -> str:
    """Return what is wrong with a cut-off stream that another model has completed."""
    data = _data_of(reply.body)
    if reply.status != 200 or data[-1] != b"[DONE]":
        return f"status {reply.status}, or it does not end with [DONE]: {data[-1]!r}"
    text, second = _text_of(data[:-1]), "".join(map(token, range(SHORT_EVENTS)))
    return "" if text.endswith(second) else f"the text is not the second model's: {text!r}"


def listed(reply: Reply) -> str:
    """Return what is wrong with a list of models."""
    try:
        count = len(json.loads(reply.body)["data"])
    except (ValueError, LookupError, TypeError):
        return f"not a list of models: {reply.body[:300]!r}"
    return "" if reply.status == 200 and count > 600 else f"status {reply.status}, {count} models"


def healthy(reply: Reply) -> str:
    """Return what is wrong with the answer to ``GET /health``."""
    return "" if reply.status == 200 else f"status {reply.status}"


def _error_problem(body: bytes, code: str) -> str:
    try:
        error: dict[str, Any] = json.loads(body)["error"]
        found, source = error["metadata"]["code"], error["metadata"]["source"]
        message = error["message"]
    except (ValueError, LookupError, TypeError):
        return f"not an error in the gateway's format: {body[:300]!r}"
    if not message or source not in SOURCES:
        return f"an error without a message or a source: {error}"
    return "" if found == code else f"the error is {found}, not {code}"


def _data_of(body: bytes) -> list[bytes]:
    lines = [line for event in body.split(b"\n\n") for line in event.split(b"\n")]
    return [line.removeprefix(b"data: ") for line in lines if line.startswith(b"data: ")] or [b""]


def _text_of(data: list[bytes]) -> str:
    try:
        choices = [choice for each in data for choice in json.loads(each).get("choices", [])]
        return "".join(choice["delta"].get("content") or "" for choice in choices)
    except (ValueError, LookupError, TypeError, AttributeError):
        return "(an event is not a chunk)"
