"""The table: every model name of the author `sim`, what it does, and the scripts that do it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from simulator import connection, errors, healthy, hidden, streams
from simulator.answers import dumps
from simulator.framing import BOM, DONE, event, multi_line, with_cr, with_crlf
from simulator.healthy import OK_PAIR, answering
from simulator.replay import replaying
from simulator.samples import chat_samples
from simulator.steps import Break, Pair, Write

AUTHOR = "sim/"
HEALTHY = "healthy"
_MOST_MS, _MOST_EVENTS, _MOST_BYTES, _MOST_S = 600_000, 1_000_000, 50_000_000, 86_400
_REPEATS = {"-once": 1, "-twice": 2}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table; a `<…>` in the name is a whole number between `least` and `most`."""

    name: str
    group: str
    does: str
    pair: Pair
    example: int = 0
    least: int = 0
    most: int = 0

    @property
    def example_name(self) -> str:
        """The name with the example's number filled in."""
        return re.sub(r"<.*?>", str(self.example), self.name)

    @property
    def pattern(self) -> str:
        """The name as a regular expression whose group is the number."""
        return re.sub(r"<.*?>", r"(\\d{1,9})", self.name)


@dataclass(frozen=True, slots=True)
class Found:
    """The behaviour that a model's name stands for; `first_calls` says how often before it turns healthy."""

    behaviour: Behaviour
    number: int = 0
    first_calls: int | None = None


def _healthy() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair, example: int = 0, most: int = 0) -> Behaviour:
        return Behaviour(name, HEALTHY, does, pair, example, 0, most)

    slow = Pair(healthy.slow(OK_PAIR.plain), stream=healthy.slow(OK_PAIR.stream))
    comments = Pair(healthy.comments_plain, stream=healthy.comments_stream)
    drip = Pair(healthy.drip_plain, stream=healthy.drip_stream)
    long = Pair(answering(healthy.long_answer).plain, stream=healthy.long_stream)
    yield row("ok", "A short answer.", OK_PAIR)
    yield row(
        "ok-usage-empty-choices",
        "As ok; the stream's usage chunk has `choices: []`.",
        Pair(OK_PAIR.plain, stream=healthy.usage_empty_choices),
    )
    yield row("slow-<n>ms", "Silent for n ms before the headers, then as ok.", slow, 50, _MOST_MS)
    yield row(
        "comments-<n>ms",
        "`: OPENROUTER PROCESSING` every 200 ms for n ms, then as ok; plain: blank lines, then the JSON.",
        comments,
        300,
        _MOST_MS,
    )
    yield row(
        "drip-<n>ms", "20 events of text, n ms before each; plain: the JSON in 20 pieces.", drip, 5, _MOST_MS
    )
    yield row(
        "long-<n>",
        "n events of one word (250 to 350 bytes each), unpaced; plain: n words.",
        long,
        40,
        _MOST_EVENTS,
    )
    yield row("bytes-<n>", "JSON of about n bytes.", answering(healthy.bytes_answer), 20_000, _MOST_BYTES)
    yield row(
        "tools",
        "A tool call, arguments streamed in pieces; text once the last message has the role tool.",
        answering(healthy.tool_answer),
    )
    yield row("reasoning", "Reasoning, then text.", answering(healthy.REASONING))
    yield row("image", "Text and an image in `message.images`.", answering(healthy.IMAGE))
    yield row("json", "The content is a JSON object.", answering(healthy.JSON))
    yield row("refusal", "A refusal instead of content.", answering(healthy.REFUSAL))
    yield row(
        "length",
        "Finish reason length after reasoning alone: empty content, and yet legitimate.",
        answering(healthy.LENGTH),
    )
    yield row("echo", "The content is the body that arrived.", answering(healthy.echo_answer))


def _samples() -> Iterator[Behaviour]:
    for sample in chat_samples():
        yield Behaviour(sample.stem, "recorded", f"{sample.status}: {sample.note}.", replaying(sample))


def _statuses() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair, *, example: int, least: int = 0, most: int) -> Behaviour:
        return Behaviour(name, "status", does, pair, example, least, most)

    yield row(
        "status-<code>",
        "That status (300 to 599) with OpenRouter's wording for it.",
        Pair.same(errors.status_script),
        example=503,
        least=300,
        most=599,
    )
    yield row(
        "retry-after-<s>",
        "429 of the provider's shared pool with `Retry-After: s` and `retry_after_seconds`.",
        Pair.same(errors.retry_after),
        example=7,
        most=_MOST_S,
    )
    yield row(
        "retry-date-<s>",
        "503 with `Retry-After` as an HTTP date.",
        Pair.same(errors.retry_date),
        example=30,
        most=_MOST_S,
    )


def _connections() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair) -> Behaviour:
        return Behaviour(name, "connection", does, pair)

    yield row("hang", "Reads the request and never answers.", Pair.same(connection.breaking(Break.HANG)))
    yield row("hang-body", "200 and headers, then nothing.", connection.break_body(Break.HANG))
    yield row("reset", "TCP reset before any byte.", Pair.same(connection.breaking(Break.RESET)))
    yield row("close", "Closes before any byte.", Pair.same(connection.breaking(Break.CLOSE)))
    yield row("reset-body", "TCP reset after the headers.", connection.break_body(Break.RESET))
    yield row(
        "truncated",
        "Closes in the middle of the first event; plain: half of the bytes that Content-Length declares.",
        Pair(connection.truncated_plain, stream=connection.truncated_stream),
    )
    yield row(
        "redirect",
        f"302 to `{connection.TRAP_PATH}` under this host's other name; the trap logs who calls it.",
        Pair.same(connection.redirect),
    )


def _hidden() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair) -> Behaviour:
        return Behaviour(name, "hidden in 200", does, pair)

    yield row("html", "200 with an HTML page.", Pair.same(hidden.html(200)))
    yield row("html-502", "502 with an HTML page.", Pair.same(hidden.html(502)))
    yield row("empty-body", "200 without a body.", Pair(hidden.body(b""), stream=hidden.in_stream()))
    yield row(
        "garbage",
        "200 `application/json` that is not JSON.",
        Pair.same(hidden.body(b"upstream said: <oops>")),
    )
    yield row(
        "cut-json",
        "A complete response whose JSON stops half-way; stream: so does its only event.",
        Pair(hidden.cut_json_plain, stream=hidden.cut_json_stream),
    )
    yield row(
        "whitespace",
        f"200, then blank lines every 200 ms for {hidden.FOR_EVER_S} s.",
        Pair(
            hidden.blank_for_ever(healthy.plain_headers), stream=hidden.blank_for_ever(healthy.stream_headers)
        ),
    )
    yield row("empty", "Empty content, finish reason stop, no completion tokens.", answering(hidden.EMPTY))
    yield row(
        "choices-empty", "`choices: []`; stream: one such chunk, then `[DONE]`.", hidden.choices_empty()
    )
    yield row(
        "choice-error", "Finish reason error, and the error in the choice.", hidden.choice_error(hidden.EMPTY)
    )
    yield row(
        "error-string",
        '`{"error": "…"}`, a string; stream: as the only event.',
        hidden.error_only({"error": "Provider unavailable"}),
    )
    yield row(
        "json-invalid", "The content is cut JSON although JSON was asked for.", answering(hidden.INVALID_JSON)
    )
    yield row(
        "reasoning-only", "Reasoning, empty content, finish reason stop.", answering(hidden.REASONING_ONLY)
    )


def _streams() -> Iterator[Behaviour]:
    yield from _silent_streams()
    yield from _broken_streams()
    yield from _framed_streams()


def _stream_row(name: str, does: str, pair: Pair) -> Behaviour:
    return Behaviour(name, "stream", does, pair)


def _silent_streams() -> Iterator[Behaviour]:
    row, bound_s = _stream_row, hidden.FOR_EVER_S
    blank = hidden.blank_for_ever(healthy.plain_headers)
    stalled = connection.half_then(Break.HANG)
    half_and_blank = connection.half_then(*healthy.keep_alive(healthy.BLANK, bound_s))
    few_blank = hidden.body(healthy.BLANK * 5)
    yield row(
        "comments-only",
        f"Comments every 200 ms for {bound_s} s; plain: as whitespace.",
        Pair(blank, stream=streams.comments(bound_s)),
    )
    yield row(
        "comments-end",
        "5 comments, then a clean end; plain: 5 blank lines.",
        Pair(few_blank, stream=streams.comments(5 * healthy.BEAT_S)),
    )
    yield row(
        "stall-before",
        "A role-only delta, then silence; plain: as hang-body.",
        Pair(connection.break_body(Break.HANG).plain, stream=streams.after_role(Break.HANG)),
    )
    yield row(
        "stall-after",
        "3 events of text, then silence; plain: half of the JSON, then silence.",
        Pair(stalled, stream=streams.after_three(Break.HANG)),
    )
    yield row(
        "stall-comments",
        f"3 events of text, then comments for {bound_s} s; plain: half of the JSON, then blank lines.",
        Pair(half_and_blank, stream=streams.stall_comments),
    )
    yield row(
        "stall-empty",
        f"3 events of text, then empty deltas for {bound_s} s; plain: as stall-comments.",
        Pair(half_and_blank, stream=streams.stall_empty),
    )


def _broken_streams() -> Iterator[Behaviour]:
    row, ok, partial = _stream_row, OK_PAIR.plain, hidden.choice_error(hidden.PARTIAL).plain
    first = errors.error_body(502, "Provider returned error", errors.provider_metadata("connect error"))
    nocode = {"error": {"message": "The operation was aborted"}}
    text = {"error": "Provider disconnected"}
    yield row(
        "reset-after",
        "3 events of text, then a TCP reset; plain: half of the JSON, then a reset.",
        Pair(connection.half_then(Break.RESET), stream=streams.RESET_AFTER_THREE),
    )
    yield row(
        "cut-after",
        "3 events of text, then a clean end without finish reason or `[DONE]`; plain: as cut-json.",
        Pair(hidden.cut_json_plain, stream=streams.after_three()),
    )
    yield row(
        "empty-stream",
        "A role chunk, finish reason stop, `[DONE]`; plain: as empty.",
        Pair(answering(hidden.EMPTY).plain, stream=hidden.empty_stream),
    )
    yield row(
        "done-only",
        "`[DONE]` and nothing else; plain: as empty-body.",
        Pair(hidden.body(b""), stream=hidden.in_stream(Write(DONE, 1))),
    )
    yield row("no-done", "Complete, but no `[DONE]`; plain: as ok.", Pair(ok, stream=streams.no_done))
    yield row(
        "garbage-event",
        "`data: not json` after 2 events, then on as if nothing was; plain: as garbage.",
        Pair(hidden.body(b"not json"), stream=streams.garbage_event),
    )
    yield row("plain-for-stream", "A stream request gets plain JSON; plain: as ok.", Pair.same(ok))
    yield row("stream-for-plain", "A plain request gets a stream; stream: as ok.", Pair.same(OK_PAIR.stream))
    yield row("error-first", "200, and the error as first event; plain: as body.", hidden.error_only(first))
    yield row(
        "error-mid",
        "3 events of text, then the documented error event; plain: as choice-error after partial text.",
        Pair(partial, stream=streams.error_mid(streams.documented_error)),
    )
    yield row(
        "error-mid-string",
        "3 events of text, then the error as a string; plain: as error-string.",
        Pair(hidden.body(dumps(text)), stream=streams.error_mid(lambda _: text)),
    )
    yield row(
        "error-mid-nocode",
        "3 events of text, then an error without a code; plain: 200 with that error.",
        Pair(hidden.body(dumps(nocode)), stream=streams.error_mid(lambda _: nocode)),
    )


def _framed_streams() -> Iterator[Behaviour]:
    row, ok = _stream_row, OK_PAIR.plain

    def crlf(payload: object) -> bytes:
        return with_crlf(event(payload))

    def cr(payload: object) -> bytes:
        return with_cr(event(payload))

    yield row(
        "one-byte",
        "A healthy stream of non-ASCII text, one byte at a time; plain: the JSON likewise.",
        Pair(connection.byte_by_byte_plain, stream=connection.byte_by_byte_stream),
    )
    yield row(
        "crlf", "CRLF line ends; plain: as ok.", Pair(ok, stream=streams.framed(crlf, done=with_crlf(DONE)))
    )
    yield row("cr", "CR line ends; plain: as ok.", Pair(ok, stream=streams.framed(cr, done=with_cr(DONE))))
    yield row(
        "multi-line",
        "Data over several `data:` lines; plain: as ok.",
        Pair(ok, stream=streams.framed(multi_line)),
    )
    yield row("bom", "Starts with a BOM; plain: as ok.", Pair(ok, stream=streams.framed(event, first=BOM)))
    yield row("huge-event", "One event of 1 MB; plain: 1 MB of content.", answering(healthy.LARGE))


@cache
def behaviours() -> dict[str, Behaviour]:
    """Every behaviour by its name, in the table's order."""
    groups: tuple[Callable[[], Iterator[Behaviour]], ...] = (
        _healthy,
        _samples,
        _statuses,
        _connections,
        _hidden,
        _streams,
    )
    return {behaviour.name: behaviour for group in groups for behaviour in group()}


def listed(group: str) -> list[str]:
    """Model names of a group, examples filled in."""
    return [AUTHOR + row.example_name for row in behaviours().values() if row.group == group]


@lru_cache(maxsize=4096)
def find(model: str) -> Found | None:
    """What a model of the author `sim` does; None where the name says nothing."""
    name = model.removeprefix(AUTHOR).removesuffix(":free")
    for suffix, calls in _REPEATS.items():
        if name.endswith(suffix):
            found = _find_plain(name.removesuffix(suffix))
            return found and Found(found.behaviour, found.number, calls)
    return _find_plain(name)


def _find_plain(name: str) -> Found | None:
    exact = behaviours().get(name)
    if exact is not None and "<" not in name:
        return Found(exact)
    for row in behaviours().values():
        matched = re.fullmatch(row.pattern, name) if "<" in row.name else None
        if matched and row.least <= int(matched[1]) <= row.most:
            return Found(row, int(matched[1]))
    return None
