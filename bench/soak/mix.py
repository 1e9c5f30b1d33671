"""The soak's mix: the requests and their weights, the expected replies, and how clients leave."""

import random
from collections.abc import Iterator, Mapping

from bench.bodies import EVENTS, STREAM_FLAT
from bench.soak.checks import answered, ends_cut_off, healthy, listed, plain, refused, streamed, taken_over
from bench.soak.kinds import Kind, Leave, chat, sse

DEADLINE_MS = 300
"""For calls that never answer: the 2024 runtime does not report a client that leaves before the answer."""
FIRST_TOKEN_MS, IDLE_MS, HEDGE_MS = 600, 200, 20
STALLS = "soak/stall-mid"
FAIL_PLAIN = {
    "soak/503": 3,
    "soak/500": 2,
    "soak/html": 2,
    "soak/empty": 2,
    "soak/half-json": 1,
    "soak/cut-body": 2,
    "soak/hang-up": 2,
}
FAIL_STREAM = {
    "soak/503": 2,
    "soak/error-first": 2,
    "soak/html": 1,
    "soak/empty-stream": 1,
    "soak/hang-up": 1,
}
BREAK = {
    "soak/error-mid": (2, "provider_error"),
    "soak/cut-mid": (2, "connection_lost"),
    "soak/no-finish": (1, "no_finish_reason"),
    STALLS: (1, "idle_timeout"),
}
"""Models with their weights: those that fail before their answer begins, and those that fail later."""


def _after_a_failure() -> Iterator[Kind]:
    """Chains whose first model fails and another one answers."""
    for model, weight in FAIL_PLAIN.items():
        yield Kind(
            name=f"{model}, then an answer",
            weight=weight,
            fields=chat(model, "bench/1k", retries=0),
            check=answered(plain(), 2),
        )
    for model, weight in FAIL_STREAM.items():
        yield Kind(
            name=f"{model}, then a stream",
            weight=weight,
            fields=sse(model, "soak/stream", retries=0),
            check=answered(streamed(), 2),
        )
    # A model that has asked for a pause is skipped during its cooldown.
    with_cooldown = answered(plain(), 1, 2)
    silent = sse("soak/comments", "soak/stream", first_token_ms=FIRST_TOKEN_MS)
    yield Kind(name="429, then an answer", weight=3, fields=chat("soak/429", "bench/1k"), check=with_cooldown)
    yield Kind(name="comments only, then a stream", fields=silent, check=answered(streamed(), 2))
    hedged = chat("soak/slow", "bench/1k", hedge_ms=HEDGE_MS)
    yield Kind(name="a hedge", fields=hedged, check=answered(plain(), 1, 2))


def _exhausted() -> Iterator[Kind]:
    """Chains without an answer."""
    yield Kind(
        name="503 and 500",
        weight=2,
        fields=chat("soak/503", "soak/500", retries=0),
        check=refused(500, "provider_error"),
    )
    yield Kind(name="500 twice", fields=chat("soak/500"), check=refused(500, "provider_error"))
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
        name="a new model name",
        weight=2,
        fields=chat("soak/new-{}", retries=0),
        check=refused(404, "no_endpoints"),
        is_new=True,
    )
    for model in ("soak/hang", "soak/hang-body"):
        yield Kind(
            name=f"{model}, until the deadline",
            fields=chat(model, deadline_ms=DEADLINE_MS),
            check=refused(504, "attempt_timeout"),
        )


def _cut_off() -> Iterator[Kind]:
    """Streams that are cut off in the middle."""
    for model, (weight, code) in BREAK.items():
        fields = sse(model, idle_ms=IDLE_MS) if model == STALLS else sse(model)
        yield Kind(name=f"{model}, told", weight=weight, fields=fields, check=ends_cut_off(code))
    for way in ("restart", "continue", "hold"):
        fields = sse("soak/error-mid", "soak/stream", on_midstream=way)
        yield Kind(name=f"a break, then {way}", fields=fields, check=taken_over)


def _refused() -> Iterator[Kind]:
    """Requests that are refused, and requests that need no model."""
    unknown = chat("bench/1k", no_such_option=1)
    yield Kind(name="no JSON", weight=2, raw=b"{ not JSON", check=refused(400, "invalid_json"))
    yield Kind(name="an unknown option", fields=unknown, check=refused(400, "unknown_option"))
    yield Kind(name="no key", weight=2, fields=chat("bench/1k"), key=False, check=refused(401, "missing_key"))
    yield Kind(name="no such route", line="GET /v1/no-such", check=refused(404, "not_found"))
    yield Kind(name="the list of models", line="GET /v1/models", check=listed)
    yield Kind(name="the health", line="GET /health", check=healthy)


def _leaving() -> Iterator[Kind]:
    """Clients that leave by a reset or a close: mid-stream, before the answer, or while sending."""
    drip, silent = sse("soak/drip"), chat("soak/hang", deadline_ms=DEADLINE_MS)
    comments = sse("soak/hang", deadline_ms=5 * DEADLINE_MS, keepalive_ms=100)
    for resets, how in [(True, "resets"), (False, "closes")]:

        def left(name: str, fields: Mapping[str, object], weight: int = 1, **more: object) -> Kind:
            leave = Leave(resets=resets, **more)  # type: ignore[arg-type]  # noqa: B023  # called in this turn
            return Kind(name=f"{how} {name}", weight=weight, fields=fields, leave=leave)  # noqa: B023

        yield left("in the middle of a slow stream", drip, 3, at=b"data: ")
        yield left("in the middle of a fast stream", sse(STREAM_FLAT), at=b"data: ")
        yield left("a stream that stalls", sse(STALLS, idle_ms=DEADLINE_MS), at=b"data: ")
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
    *_exhausted(),
    *_cut_off(),
    *_refused(),
    *_leaving(),
)


def requests(count: int, *, seed: int = 7) -> Iterator[tuple[int, Kind]]:
    """Yield ``count`` numbered kinds, in shuffled decks; a deck has every kind as often as its weight.

    So all parts of a run have the same mix, and their numbers can be compared.
    """
    draw = random.Random(seed)  # noqa: S311  # the same order each time
    deck: list[Kind] = []
    for number in range(count):
        if not deck:
            deck = [kind for kind in KINDS for _ in range(kind.weight)]
            draw.shuffle(deck)
        yield number, deck.pop()
