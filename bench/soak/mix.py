"""The mix: what is asked, how often, what each must answer, and which clients leave, when and how."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from bench.bodies import EVENTS, STREAM_FLAT
from bench.soak.checks import (
    Check,
    answered,
    broken_off,
    healthy,
    listed,
    plain,
    refused,
    streamed,
    taken_over,
)

DEADLINE_MS = 300
"""Of calls that never answer. The 2024 runtime does not tell that a client has left before its answer began."""
IDLE_MS, HEDGE_MS = 200, 20
CHAT = "POST /v1/chat/completions"
WORDS = "It is sunny. "


@dataclass(frozen=True, slots=True)
class Leave:
    """How a client leaves.

    Attributes:
        at: what it waits for.
        after_s: and how long beyond that, in seconds.
        resets: whether it resets the connection, or closes it as one does that has had enough.
        unsent_bytes: how much of its request it keeps back.
    """

    at: bytes = b""
    after_s: float = 0.0
    resets: bool = True
    unsent_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of request.

    Attributes:
        weight: how many of them a deck holds.
        fields: its body; None for a request without one.
        raw: a body that is no JSON.
        check: what looks at the reply; None where the client does not wait for it.
        is_new: each of them names something that nobody has named before: ``{}`` in its values.
    """

    name: str
    weight: int = 1
    line: str = CHAT
    fields: Mapping[str, object] | None = None
    raw: bytes | None = None
    key: bool = True
    check: Check | None = None
    leave: Leave | None = None
    is_new: bool = False

    def body(self, number: int) -> bytes:
        """Return the body of the request of that number."""
        if self.raw is not None or self.fields is None:
            return self.raw or b""
        text = json.dumps(self.fields, separators=(",", ":"))
        return (text.replace("{}", str(number)) if self.is_new else text).encode()


def chat(*models: str, stream: bool = False, **more: object) -> dict[str, object]:
    """Return a chat request's fields; ``more`` are options of the gateway, ``session_id`` is its own field."""
    fields: dict[str, object] = {"model": models[0], "messages": [{"role": "user", "content": WORDS * 20}]}
    if models[1:]:
        fields["models"] = list(models[1:])
    if "session_id" in more:
        fields["session_id"] = more.pop("session_id")
    return fields | {"stream": stream} | ({"gateway": more} if more else {})


sse = partial(chat, stream=True)


def _after_a_failure() -> Iterator[Kind]:
    """Chains whose first model fails: another one answers."""
    for model, weight in [("soak/503", 3), ("soak/500", 2), ("soak/html", 2), ("soak/empty", 2), ("soak/half-json", 1), ("soak/cut-body", 2), ("soak/hang-up", 2)]:  # fmt: skip
        yield Kind(
            name=f"{model}, then an answer",
            weight=weight,
            fields=chat(model, "bench/1k", retries=0),
            check=answered(plain(), 2),
        )
    for model, weight in [("soak/503", 2), ("soak/error-first", 2), ("soak/html", 1), ("soak/empty-stream", 1), ("soak/hang-up", 1)]:  # fmt: skip
        yield Kind(
            name=f"{model}, then a stream",
            weight=weight,
            fields=sse(model, "soak/stream", retries=0),
            check=answered(streamed(), 2),
        )
    # A model that has asked for a pause is skipped while that lasts.
    rested, retried = answered(plain(), 1, 2), answered(plain(), 2, 3)
    silent = sse("soak/comments", "soak/stream", first_token_ms=IDLE_MS)
    yield Kind(name="429, then an answer", weight=3, fields=chat("soak/429", "bench/1k"), check=rested)
    yield Kind(name="500, with a retry", fields=chat("soak/500", "bench/1k"), check=retried)
    yield Kind(name="comments only, then a stream", fields=silent, check=answered(streamed(), 2))
    hedged = chat("soak/slow", "bench/1k", hedge_ms=HEDGE_MS)
    yield Kind(name="a hedge", fields=hedged, check=answered(plain(), 1, 2))


def _spent() -> Iterator[Kind]:
    """Chains without an answer."""
    yield Kind(
        name="503 and 500", weight=2, fields=chat("soak/503", "soak/500", retries=0), check=refused(500, "openrouter_error")
    )  # fmt: skip
    yield Kind(
        name="a connection that breaks twice",
        fields=chat("soak/hang-up", "soak/cut-body", retries=0),
        check=refused(502, "connection_lost"),
    )
    yield Kind(
        name="two empty streams",
        fields=sse("soak/empty-stream", "soak/html", retries=0),
        check=refused(502, "wrong_content_type"),
    )
    yield Kind(
        name="a model that nobody has named before",
        weight=2,
        fields=chat("soak/new-{}", retries=0),
        check=refused(404, "unavailable"),
        is_new=True,
    )
    for model in ("soak/hang", "soak/hang-body"):
        yield Kind(
            name=f"{model}, until the deadline",
            fields=chat(model, deadline_ms=DEADLINE_MS),
            check=refused(504, "deadline_exceeded"),
        )


def _broken() -> Iterator[Kind]:
    """Streams that break in their middle."""
    for model, weight, code in [("soak/error-mid", 2, "provider_error"), ("soak/cut-mid", 2, "connection_lost"), ("soak/no-finish", 1, "no_finish_reason"), ("soak/stall-mid", 1, "idle_timeout")]:  # fmt: skip
        fields = sse(model, idle_ms=IDLE_MS)
        yield Kind(name=f"{model}, told", weight=weight, fields=fields, check=broken_off(code))
    for way in ("restart", "continue"):
        fields = sse("soak/error-mid", "soak/stream", on_midstream=way)
        yield Kind(name=f"a break, {way}ed", fields=fields, check=taken_over)


def _refused() -> Iterator[Kind]:
    """Requests that nobody is asked for, and those that need no model."""
    unknown = chat("bench/1k", no_such_option=1)
    yield Kind(name="no JSON", weight=2, raw=b"{ not JSON", check=refused(400, "invalid_json"))
    yield Kind(name="an unknown option", fields=unknown, check=refused(400, "unknown_option"))
    yield Kind(
        name="no key", weight=2, fields=chat("bench/1k"), key=False, check=refused(401, "missing_key")
    )
    yield Kind(name="no such route", line="GET /v1/no-such", check=refused(404, "not_found"))
    yield Kind(name="the list of models", line="GET /v1/models", check=listed)
    yield Kind(name="the health", line="GET /health", check=healthy)


def _leaving() -> Iterator[Kind]:
    """Clients that leave: by a reset or by closing, in the middle of an answer, before it, before their own end."""
    drip, silent = sse("soak/drip"), chat("soak/hang", deadline_ms=DEADLINE_MS)
    comments = sse("soak/hang", deadline_ms=5 * DEADLINE_MS, keepalive_ms=100)
    for resets, how in [(True, "resets"), (False, "closes")]:

        def left(name: str, fields: Mapping[str, object], weight: int = 1, **more: object) -> Kind:
            leave = Leave(resets=resets, **more)  # type: ignore[arg-type]  # noqa: B023  # called in this turn
            return Kind(name=f"{how} {name}", weight=weight, fields=fields, leave=leave)  # noqa: B023

        yield left("in the middle of a slow stream", drip, 3, at=b"data: ")
        yield left("in the middle of a fast stream", sse(STREAM_FLAT), at=b"data: ")
        yield left("a stream that stalls", sse("soak/stall-mid", idle_ms=DEADLINE_MS), at=b"data: ")
        yield left("before the answer", silent, 2, after_s=0.04)
        yield left("a stream before its answer", {**silent, "stream": True}, after_s=0.04)
        yield left("while it gets comments", comments, at=b": keep-alive")
        yield left("at once", chat("bench/1k"))
        yield left("in its own middle", chat("bench/1k"), unsent_bytes=100)


KINDS = (
    Kind(name="an answer", weight=26, fields=chat("bench/1k"), check=answered(plain())),
    Kind(name="a long answer", weight=2, fields=chat("bench/100k"), check=answered(plain("bench/100k"))),
    Kind(
        name="an answer of a new session",
        weight=6,
        fields=chat("bench/1k", session_id="session-{}"),
        check=answered(plain()),
        is_new=True,
    ),
    Kind(name="a stream", weight=16, fields=sse("soak/stream"), check=answered(streamed())),
    Kind(name="a long stream", fields=sse(STREAM_FLAT), check=answered(streamed(EVENTS))),
    *_after_a_failure(),
    *_spent(),
    *_broken(),
    *_refused(),
    *_leaving(),
)


def requests(count: int, *, seed: int = 7) -> Iterator[tuple[int, Kind]]:
    """Yield so many numbered kinds: decks that hold every kind by its weight, each shuffled anew.

    So all parts of a run have the same mix, and its numbers can be compared.
    """
    draw = random.Random(seed)  # noqa: S311  # the same order each time
    deck: list[Kind] = []
    for number in range(count):
        if not deck:
            deck = [kind for kind in KINDS for _ in range(kind.weight)]
            draw.shuffle(deck)
        yield number, deck.pop()
