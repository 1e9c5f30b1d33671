"""The bench's requests and replies in the form of Messages: they are valid, and every reply is checked."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bench.agent import chat_body, messages_body, short_messages_body
from bench.bodies import EVENTS, SHORT_EVENTS, STREAM_SHORT, WORD
from bench.connection import Reply
from bench.guarded import repeated, unlike
from bench.load import request_of
from bench.messages.bodies import answers, events, start_of_stream
from bench.messages.checks import plain_problem, stream_problem
from bench.scenarios import SCENARIOS, Scenario, selected
from gateway.dialects import read_event
from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.chat.parse import parse as parse_chat
from gateway.dialects.dialect import StreamingDialect
from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.messages.parse import parse as parse_messages
from gateway.http.message import Upstream
from gateway.settings.settings import Settings
from gateway.streaming import guard

WORDS = 7
SIZES = (100_000, 2_000_000)
SETTINGS = Settings.from_env(lambda _name: None)


def reply(body: bytes) -> Reply:
    return Reply(b"http/1.1 200 ok\r\nx-gateway-attempts: 1\r\n\r\n", body, 0.001, None)


def stream(words: int = WORDS) -> list[bytes]:
    return [start_of_stream()(words), *events()]


def named(part: str) -> Scenario:
    [found] = selected(part)
    return found


def blocks_in(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    contents = (message["content"] for message in messages)
    return [block for content in contents if isinstance(content, list) for block in content]


@pytest.mark.parametrize("size_bytes", SIZES)
def test_an_agents_request_has_its_size_and_is_accepted_in_both_forms(size_bytes: int) -> None:
    limit = SETTINGS.max_body_values
    for body_of, parse in ((messages_body, parse_messages), (chat_body, parse_chat)):
        body = body_of(size_bytes, "a/b")

        assert len(body) == size_bytes
        parsed = parse(body, max_values=limit)
        assert parsed.stream
        assert parsed.model == "a/b"
        assert parsed.signed
        assert parsed.requirements.tools
        assert parsed.requirements.writes_cache


def test_an_agents_request_has_the_shape_of_claude_codes() -> None:
    body = json.loads(messages_body(SIZES[0], "a/b"))
    blocks = blocks_in(body["messages"])
    calls = [block["id"] for block in blocks if block["type"] == "tool_use"]

    assert len(body["system"]) == 3
    assert all("cache_control" in block for block in body["system"])
    assert len(body["tools"]) == 12
    assert all("properties" in tool["input_schema"] for tool in body["tools"])
    assert len(calls) > 10
    assert calls == [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    assert any(block["type"] == "thinking" for block in blocks)


def test_both_forms_of_the_agents_request_hold_the_same_files() -> None:
    messages, chat = (
        json.loads(body_of(SIZES[0], "a/b"))["messages"] for body_of in (messages_body, chat_body)
    )
    files = [block["content"] for block in blocks_in(messages) if block["type"] == "tool_result"]
    chats = [message["content"] for message in chat if message["role"] == "tool"]

    assert abs(len(files) - len(chats)) < 2
    assert all(mine == other for mine, other in zip(files, chats, strict=False))


def test_the_scenarios_of_messages_send_what_their_names_say() -> None:
    sizes = {scenario.name: len(scenario.body) for scenario in selected("messages")}

    assert sizes == {
        "messages, stream, 100 KB prompt": 100_000,
        "messages, stream, 2 MB prompt": 2_000_000,
        "messages, stream, 200 events, flat out": len(short_messages_body("bench/stream-flat")),
    }
    assert {scenario.path for scenario in selected("messages")} == {"/v1/messages"}
    assert selected("") == SCENARIOS
    assert not selected("no scenario has this")


def test_a_request_has_the_path_and_the_headers_of_its_scenario() -> None:
    scenario = named("messages, stream, 100 KB")
    sent = request_of(80, scenario.body, scenario.headers, path=scenario.path)

    assert sent.startswith(b"POST /v1/messages HTTP/1.1\r\n")
    assert b"\r\nanthropic-version: 2023-06-01\r\n" in sent
    assert request_of(80, b"{}").startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


def test_the_upstreams_answers_pass() -> None:
    for model, make in answers().items():
        assert plain_problem(model, WORDS)(reply(make(WORDS))) == ""
    assert stream_problem(WORDS)(reply(b"".join(stream()))) == ""


def test_the_words_of_the_complete_prompt_are_counted() -> None:
    scenario = named("messages, stream, 2 MB")
    words = scenario.body.count(WORD.encode())
    good, cut = (b"".join([start_of_stream()(count), *events(SHORT_EVENTS)]) for count in (words, words - 1))

    assert words > 10_000
    assert scenario.check(reply(good), "gateway") == ""
    assert f"{words - 1} words of {words}" in scenario.check(reply(cut), "gateway")
    assert "6 words of 7" in plain_problem("bench/1k", WORDS)(reply(answers()["bench/1k"](WORDS - 1)))


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"content":[]}', answers()["bench/1k"](WORDS)[:-1]])
def test_a_body_that_is_not_a_message_is_a_problem(body: bytes) -> None:
    assert plain_problem("bench/1k", WORDS)(reply(body)) == "the body is not a message"


@pytest.mark.parametrize("missing", [0, 1, 100, -3, -2, -1])
def test_a_stream_without_one_of_its_events_is_a_problem(missing: int) -> None:
    short = stream()
    del short[missing]

    assert stream_problem(WORDS)(reply(b"".join(short)))


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda body: body[:-30],
    "an event without its name": lambda body: body.replace(b"event: content_block_stop\n", b""),
    "another name": lambda body: body.replace(b"event: message_stop", b"event: message_end"),
    "another stop reason": lambda body: body.replace(b"end_turn", b"max_tokens"),
    "an error": lambda body: body + b'event: error\ndata: {"type":"error","error":{}}\n\n',
    "twice": lambda body: body + body,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_stream_that_is_not_as_it_was_sent_is_a_problem(change: Callable[[bytes], bytes]) -> None:
    assert stream_problem(WORDS)(reply(change(b"".join(stream()))))


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES], ids=lambda dialect: dialect.name)
def test_only_events_like_no_other_are_parsed(
    dialect: StreamingDialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []

    def count(event: bytes, upstream: Upstream) -> object:
        parsed.append(event)
        return read_event.read(event, upstream)

    monkeypatch.setattr(guard, "read", count)
    repeat, pass_unlike = repeated(dialect), unlike(dialect)
    repeat()
    parsed.clear()

    assert all(repeat() for _ in range(EVENTS))
    assert parsed == []
    assert all(pass_unlike() for _ in range(EVENTS))
    assert len(parsed) == EVENTS


def test_the_short_stream_has_few_events() -> None:
    assert sum(b"text_delta" in event for event in events(SHORT_EVENTS)) == SHORT_EVENTS
    assert named("messages, stream, 100 KB").body.startswith(b'{"model":"%b"' % STREAM_SHORT.encode())
