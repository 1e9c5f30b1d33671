"""The checks of answers in the form of Messages."""

import json
from collections.abc import Callable
from typing import Any

from bench.bodies import EVENTS, TEXTS, token
from bench.connection import Reply

DELTA = "content_block_delta"
AROUND = ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]


def plain_problem(model: str, words: int) -> Callable[[Reply], str]:
    """Return a function that checks that a plain answer is the model's, to a prompt of ``words`` words."""

    def problem(reply: Reply) -> str:
        try:
            message = json.loads(reply.body)
            text, counted = message["content"][0]["text"], message["usage"]["input_tokens"]
        except (ValueError, LookupError, TypeError):
            return "the body is not a message"
        return "the answer's text is wrong" if text != TEXTS[model] else counted_problem(counted, words)

    return problem


def stream_problem(words: int, count: int = EVENTS) -> Callable[[Reply], str]:
    """Return a function that checks a stream of ``count`` texts, to a prompt of ``words`` words."""
    text = "".join(map(token, range(count)))

    def problem(reply: Reply) -> str:
        *events, last = reply.body.split(b"\n\n")
        if last:
            return "the stream ends within an event"
        try:
            found = [payload_of(event) for event in events]
            counted = found[0]["message"]["usage"]["input_tokens"]
            said = "".join(each["delta"]["text"] for each in found if each["type"] == DELTA)
            reasons = [each["delta"]["stop_reason"] for each in found if each["type"] == "message_delta"]
        except (ValueError, LookupError, TypeError):
            return "an event is not of Messages"
        names = [each["type"] for each in found if each["type"] not in (DELTA, "ping")]
        if names != AROUND:
            return "the stream's events are not in order"
        if said != text:
            return "the stream's text is wrong"
        return counted_problem(counted, words) if reasons == ["end_turn"] else "the stop reason is wrong"

    return problem


def payload_of(event: bytes) -> dict[str, Any]:
    """Return the payload of an event whose name is its type.

    Raises:
        ValueError: it is no such event.
    """
    name, _, data = event.partition(b"\n")
    payload: dict[str, Any] = json.loads(data.removeprefix(b"data: "))
    if name != b"event: %b" % str(payload["type"]).encode():
        raise ValueError("an event without its name")
    return payload


def counted_problem(counted: object, words: int) -> str:
    """Return what is wrong with the number of words that arrived upstream; empty if nothing is."""
    return "" if counted == words else f"{counted} words of {words} arrived upstream"
