"""Tests which Messages answers may be cached."""

import pytest

from gateway.dialects.messages.dialect import MESSAGES
from gateway.http.json_values import Json, JsonObject
from tests.support.messages import (
    CALL,
    ERROR,
    PING,
    STOP,
    TEXT,
    add,
    begin,
    end,
    finish,
    payload_of,
    play,
    start,
)
from tests.support.messages_reader import events_in


def stream_of(*events: bytes) -> list[JsonObject]:
    return [payload for _, payload in events_in(play(events).all)]


def plain(*blocks: JsonObject, reason: Json = "end_turn", **members: Json) -> list[JsonObject]:
    content: list[Json] = [*blocks]
    return [{"type": "message", "content": content, "stop_reason": reason, **members}]


SAID: JsonObject = {"type": "text", "text": "x"}
THOUGHT: JsonObject = {"type": "thinking", "thinking": "x"}
RESULTS: Json = [{"type": "dangerous_tool_use", "status": {"type": "unsupported"}}]
THOUGHTS = (start(), begin(0, "thinking"), finish())
# Each: an answer's events, or the answer, and whether it may be cached.
ANSWERS: dict[str, tuple[list[JsonObject], bool]] = {
    "a text": (plain(SAID), True),
    "thinking and a text": (plain(THOUGHT, SAID), True),
    "a block whose type is no text": (plain(SAID, {"type": ["text"]}), False),
    "a stop sequence": (plain(SAID, reason="stop_sequence"), True),
    "a call": (plain(SAID, {"type": "tool_use"}), False),
    "a server tool's call": (plain({"type": "server_tool_use"}, SAID), False),
    "a block of an unknown type": (plain({"type": "new"}, SAID), False),
    "a limit": (plain(SAID, reason="max_tokens"), False),
    "a refusal": (plain(SAID, reason="refusal"), False),
    "a pause": (plain(SAID, reason="pause_turn"), False),
    "no reason": (plain(SAID, reason=None), False),
    "a check": (plain(SAID, safeguard_results=RESULTS), False),
    "an error": (plain(SAID, error={"message": "m"}), False),
    "nothing": ([], False),
    "a stream": (stream_of(*TEXT), True),
    "a stream with pings": (stream_of(*TEXT[:3], PING, *TEXT[3:]), True),
    "a stream with thinking": (stream_of(*THOUGHTS, begin(1), add("x", 1), end(), STOP), True),
    "a stream with a call": (stream_of(*CALL), False),
    "a stream with a server tool": (stream_of(start(), begin(0, "server_tool_use"), *TEXT[4:]), False),
    "a stream with a limit": (stream_of(*TEXT[:5], end("max_tokens"), STOP), False),
    "a stream with a refusal": (stream_of(*TEXT[:5], end("refusal"), STOP), False),
    "a stream with a check": (stream_of(*TEXT[:5], end(safeguard_results=RESULTS), STOP), False),
    "a stream that is cut off": (stream_of(*TEXT[:5]), False),
    "a stream without its last event": ([payload_of(each) for each in TEXT[:6]], False),
    "a stream with an error": ([payload_of(each) for each in (*TEXT[:3], ERROR)], False),
    "a stream with two ends": ([payload_of(each) for each in (*TEXT[:6], *TEXT[5:])], False),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("ended", [True, False])
def test_only_a_complete_text_is_cached(name: str, *, ended: bool) -> None:
    payloads, may_cache = ANSWERS[name]

    assert MESSAGES.may_cache(payloads, ended=ended) is may_cache
