"""The scenarios: the requests, the contenders that get them, and the checks of the replies."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bench.agent import messages_body, short_messages_body
from bench.bodies import EVENTS, SHORT_EVENTS, STREAM_FLAT, STREAM_PACED, STREAM_SHORT, TEXTS, WORD, token
from bench.connection import Reply
from bench.contenders import GATEWAYS, GUARDED, KINDS, PLAIN, Kind
from bench.messages import checks as messages

PROMPT = "one short question"
CHAT_PATH, MESSAGES_PATH = "/v1/chat/completions", "/v1/messages"
CLAUDE_CODE: Mapping[str, str] = MappingProxyType({
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27",
    "x-claude-code-session-id": "0f1e2d3c-bench",
    "user-agent": "claude-cli/2.1.332 (external, cli)",
})  # fmt: skip  # one header a line


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of request.

    Attributes:
        weight: a request's work, in small requests: the number of requests is divided by it.
        kinds: the contenders that get it.
        connections: the numbers of connections; each is a separate series.
        events: the number of events with text in each reply; 0 if it is no stream.
        problem: returns what is wrong with a reply of status 200; empty if nothing is.
        attempts: the number of attempts that the gateway must have made.
        path: the path of the request.
        headers: the headers of the request, besides those that every request has.
    """

    name: str
    body: bytes
    weight: int
    kinds: tuple[Kind, ...]
    connections: tuple[int, ...] = (1, 32)
    events: int = 0
    problem: Callable[[Reply], str]
    attempts: int = 1
    path: str = CHAT_PATH
    headers: Mapping[str, str] = field(default_factory=dict)

    def check(self, reply: Reply, kind: Kind) -> str:
        """Return what is wrong with a reply; empty if nothing is."""
        if reply.status != 200:
            return f"{self.name}: status {reply.status} of {kind}"
        attempts = b"\r\nx-gateway-attempts: %d\r\n" % self.attempts
        if kind in GATEWAYS and attempts not in reply.head:
            return f"{self.name}: wrong number of attempts: {reply.head.decode()}"
        problem = self.problem(reply)
        return f"{self.name}: {problem}, of {kind}" if problem else ""


def plain_problem(model: str, words: int) -> Callable[[Reply], str]:
    """Return a function that checks that a plain answer is the model's, to a prompt of ``words`` words."""

    def problem(reply: Reply) -> str:
        try:
            payload = json.loads(reply.body)
            text = payload["choices"][0]["message"]["content"]
            counted = payload["usage"]["prompt_tokens"]
        except (ValueError, LookupError, TypeError):
            return "the body is not an answer"
        if text != TEXTS[model]:
            return "the answer's text is wrong"
        return "" if counted == words else f"{counted} words of {words} arrived upstream"

    return problem


def stream_problem(reply: Reply, count: int = EVENTS) -> str:
    """Return what is wrong with the text or the end of a stream of ``count`` events."""
    events = [event.removeprefix(b"data: ") for event in reply.body.split(b"\n\n")]
    if events[-2:] != [b"[DONE]", b""]:
        return "the stream does not end with [DONE]"
    try:
        chunks = [json.loads(event) for event in events[:-2]]
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        text = "".join(choice["delta"].get("content") or "" for choice in choices)
    except (ValueError, LookupError, TypeError):
        return "an event is not a chunk"
    if text != "".join(map(token, range(count))):
        return "the stream's text is wrong"
    finishes = [reason for choice in choices if (reason := choice.get("finish_reason"))]
    return "" if finishes == ["stop"] else "the stream does not have exactly one finish reason"


def _body(*models: str, stream: bool = False, words: int = 0) -> bytes:
    content = WORD * words + PROMPT
    named: Mapping[str, object] = {"model": models[0]} | ({"models": models[1:]} if models[1:] else {})
    fields = {**named, "messages": [{"role": "user", "content": content}], "stream": stream}
    return json.dumps(fields, separators=(",", ":")).encode()


def _plain(name: str, model: str, *, words: int = 0, weight: int = 1) -> Scenario:
    return Scenario(
        name=name,
        body=_body(model, words=words),
        weight=weight,
        kinds=PLAIN,
        problem=plain_problem(model, words),
    )


def _stream(name: str, model: str) -> Scenario:
    return Scenario(
        name=name,
        body=_body(model, stream=True),
        weight=8,
        kinds=KINDS,
        events=EVENTS,
        problem=stream_problem,
    )


def _messages(
    name: str, body: bytes, *, weight: int, connections: tuple[int, ...], events: int = SHORT_EVENTS
) -> Scenario:
    return Scenario(
        name=f"messages, stream, {name}",
        body=body,
        weight=weight,
        kinds=PLAIN,
        connections=connections,
        events=events,
        problem=messages.stream_problem(body.count(WORD.encode()), events),
        path=MESSAGES_PATH,
        headers=CLAUDE_CODE,
    )


SMALL = _plain("plain, 1 KB answer", "bench/1k")
FALLBACK = Scenario(
    name="one 503, then the same",
    body=_body("bench/down", "bench/1k"),
    weight=1,
    kinds=(GUARDED,),
    problem=plain_problem("bench/1k", 0),
    attempts=2,
)
PACED = _stream("stream, 200 events, 1 a ms", STREAM_PACED)
FLAT = _stream("stream, 200 events, flat out", STREAM_FLAT)
SCENARIOS = (
    SMALL,
    FALLBACK,
    _plain("plain, 100 KB answer", "bench/100k", weight=4),
    _plain("plain, 20 KB prompt", "bench/1k", words=20_000 // len(WORD), weight=2),
    _plain("plain, 200 KB prompt", "bench/1k", words=200_000 // len(WORD), weight=4),
    PACED,
    FLAT,
    _messages("100 KB prompt", messages_body(100_000, STREAM_SHORT), weight=8, connections=(1, 32)),
    # One isolate holds all bodies that arrive at the same time.
    _messages("2 MB prompt", messages_body(2_000_000, STREAM_SHORT), weight=32, connections=(1, 4)),
    _messages(
        "200 events, flat out", short_messages_body(STREAM_FLAT), weight=16, connections=(1, 8), events=EVENTS
    ),
)


def selected(word: str) -> tuple[Scenario, ...]:
    """Return the scenarios whose name has this word in it."""
    return tuple(scenario for scenario in SCENARIOS if word in scenario.name)
