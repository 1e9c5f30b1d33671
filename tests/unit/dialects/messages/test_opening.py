"""Tests which event of a Messages stream commits, which is held, and which ends the attempt."""

import pytest

from gateway.dialects.answer_stream import Opened
from gateway.dialects.messages.dialect import MESSAGES
from gateway.faults.fault import AttemptFailedError
from gateway.http.json_values import Json
from tests.support.messages import (
    ERROR,
    PING,
    STOP,
    add,
    begin,
    end,
    event,
    finish,
    of,
    open_with,
    payload_of,
    put,
    sign,
    start,
    think,
    tool,
)

CITED = of("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {"type": "x"}})
COMPACTED = of("content_block_delta", index=0, delta={"type": "compaction_delta", "content": "x"})
NEW_DELTA = of("content_block_delta", index=0, delta={"type": "new_delta", "x": "y"})

# Each: the events, and what the last of them means.
MEANINGS: dict[str, tuple[tuple[bytes, ...], Opened]] = {
    "the start": ((start(),), Opened.HELD),
    "a second start": ((start(), start()), Opened.DROPPED),
    "a ping": ((start(), PING), Opened.DROPPED),
    "an event of an unknown type": ((of("new_event"),), Opened.DROPPED),
    "an event without a type": ((event({"x": 1}, "ping"),), Opened.DROPPED),
    "a text block": ((start(), begin()), Opened.HELD),
    "a thinking block": ((start(), begin(0, "thinking")), Opened.HELD),
    "an empty delta": ((start(), begin(), add("")), Opened.HELD),
    "white space": ((start(), begin(), add(" \n")), Opened.HELD),
    "an empty input": ((begin(0, "compaction"), NEW_DELTA.replace(b'"y"', b'""')), Opened.HELD),
    "the end of a block": ((start(), begin(), finish()), Opened.HELD),
    "the end of no block": ((start(), finish()), Opened.DROPPED),
    "an end without a reason": ((start(), end(None)), Opened.HELD),
    "text": ((start(), begin(), add("x")), Opened.COMMITTED),
    "text in a block's start": ((start(), begin(0, text="x")), Opened.COMMITTED),
    "text without a start": ((begin(), add("x")), Opened.COMMITTED),
    "thinking": ((start(), begin(0, "thinking"), think("x")), Opened.COMMITTED),
    "a signature": ((start(), begin(0, "thinking"), sign("x")), Opened.COMMITTED),
    "a citation": ((start(), begin(), CITED), Opened.COMMITTED),
    "a compaction": ((start(), begin(0, "compaction"), COMPACTED), Opened.COMMITTED),
    "a delta of an unknown type": ((start(), begin(), NEW_DELTA), Opened.COMMITTED),
    "redacted thinking": ((start(), begin(0, "redacted_thinking")), Opened.COMMITTED),
    "a tool's call": ((start(), tool()), Opened.COMMITTED),
    "a server tool's call": ((start(), begin(0, "server_tool_use")), Opened.COMMITTED),
    "a server tool's result": ((start(), begin(0, "web_search_tool_result")), Opened.COMMITTED),
    "a limit": ((start(), begin(), end("max_tokens")), Opened.COMMITTED),
    "a limit within thinking": ((start(), begin(0, "thinking"), end("max_tokens")), Opened.COMMITTED),
    "a pause": ((start(), end("pause_turn")), Opened.COMMITTED),
    "the end of a compaction": ((start(), end("compaction")), Opened.COMMITTED),
    "a full context": ((start(), end("model_context_window_exceeded")), Opened.COMMITTED),
    "a refusal": ((start(), begin(), finish(), end("refusal")), Opened.WITHHELD),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("name", MEANINGS)
def test_what_an_event_means_before_the_commit(name: str) -> None:
    events, meaning = MEANINGS[name]

    assert open_with(*events) is meaning


TOO_LONG = "prompt is too long: 9 tokens > 8 maximum"


def failed(kind: str, message: str = "m", **members: Json) -> bytes:
    return of("error", error={"type": kind, "message": message, **members})


# Each: the events, the last of which ends the attempt, and the code of its fault.
ENDS: dict[str, tuple[tuple[bytes, ...], str]] = {
    "nothing said": ((start(), begin(), finish(), end()), "empty_answer"),
    "white space said": ((start(), begin(), add(" "), finish(), end()), "empty_answer"),
    "a stop sequence at once": ((start(), end("stop_sequence")), "empty_answer"),
    "a tool's call without a call": ((start(), end("tool_use")), "empty_answer"),
    "a stop": ((start(), STOP), "empty_answer"),
    "an error": ((start(), ERROR), "overloaded"),
    "an error with a word": ((failed("x", error_type="rate_limit_exceeded"),), "rate_limited"),
    "a request's fault": ((failed("invalid_request_error"),), "rejected_by_openrouter"),
    "a prompt that is too long": ((failed("invalid_request_error", TOO_LONG),), "context_too_long"),
    "chat's error": ((b'data: {"error": {"message": "m", "code": 429}}\n\n',), "rate_limited"),
    "an error of any other form": ((b'data: {"success": false, "message": "m"}\n\n',), "provider_error"),
    "an error within the start": ((start(error={"message": "m", "code": 429}),), "rate_limited"),
    "a provider's key": ((failed("authentication_error"),), "provider_error"),
    "a delta of no block": ((start(), add("x")), "malformed_event"),
    "a block twice": ((start(), begin(), begin()), "malformed_event"),
    "a start without a message": ((of("message_start"),), "malformed_event"),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("name", ENDS)
def test_an_event_that_ends_the_attempt(name: str) -> None:
    events, code = ENDS[name]
    with pytest.raises(AttemptFailedError) as caught:
        open_with(*events)

    assert caught.value.fault.code == code


@pytest.mark.parametrize("reason", ["end_turn", "refusal", "stop_sequence", "new_reason"])
def test_a_stop_reason_commits_an_answer_that_is_put_together(reason: str) -> None:
    assert open_with(start(), end(reason), watched=True) is Opened.COMMITTED


def test_an_empty_answer_says_what_it_cost() -> None:
    with pytest.raises(AttemptFailedError) as caught:
        open_with(start(), end(usage={"output_tokens": 9, "cost": 0.25}))

    assert caught.value.fault.cost_usd == 0.25


def test_the_message_that_began_names_the_answer() -> None:
    opening = MESSAGES.opening(header=lambda _: None, now_s=0.0, watched=False)
    opening.take(payload_of(start(id="gen-7", provider="Anthropic")))

    assert (opening.first["id"], opening.first["provider"]) == ("gen-7", "Anthropic")


def test_an_empty_input_of_a_tool_is_no_progress_of_its_own() -> None:
    opening = MESSAGES.opening(header=lambda _: None, now_s=0.0, watched=False)
    opening.take(payload_of(tool()))

    assert opening.take(payload_of(put(""))) is Opened.HELD
