"""Table rows of connections that fail, and of failures behind HTTP 200."""

from collections.abc import Iterator

from simulator import connection, healthy, hidden
from simulator.healthy import answering
from simulator.row import Behaviour
from simulator.steps import Break, Pair


def connection_rows() -> Iterator[Behaviour]:
    """Yield the rows of connections that fail."""

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


def hidden_rows() -> Iterator[Behaviour]:
    """Yield the rows of failures behind HTTP 200."""

    def row(name: str, does: str, pair: Pair) -> Behaviour:
        return Behaviour(name, "hidden in 200", does, pair)

    yield row("html", "200 with an HTML page.", Pair.same(hidden.html(200)))
    yield row("html-502", "502 with an HTML page.", Pair.same(hidden.html(502)))
    yield row("empty-body", "200 without a body.", Pair(hidden.no_body, stream=hidden.empty_stream))
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
        "filtered",
        "Empty content, finish reason content_filter (Messages: `refusal` with `stop_details`; Responses: "
        "incomplete by `content_filter`).",
        answering(hidden.FILTERED),
    )
    yield row(
        "filtered-later",
        "Text, then finish reason content_filter (`refusal`).",
        answering(hidden.FILTERED_LATER),
    )
    yield row(
        "choices-empty",
        "`choices: []`; stream: one such chunk, then `[DONE]` (Messages: no content and no stop reason; "
        "Responses: no items and no status).",
        hidden.hollow(),
    )
    yield row(
        "choice-error",
        "Finish reason error, and the error in the choice (Messages: beside the content, or as event; "
        "Responses: `status: failed`).",
        hidden.choice_error(hidden.EMPTY),
    )
    yield row(
        "error-string",
        '`{"error": "…"}`, a string; stream: as the only event.',
        hidden.error_only(hidden.bare("Provider unavailable")),
    )
    yield row(
        "json-invalid",
        "The content is truncated JSON although the request asks for JSON.",
        answering(hidden.INVALID_JSON),
    )
    yield row(
        "tools-half",
        "A tool call with half of its arguments, finish reason length; Messages, plain: an empty input; "
        "Responses: incomplete.",
        answering(healthy.half_tool_answer),
    )
    yield row(
        "reasoning-only", "Reasoning, empty content, finish reason stop.", answering(hidden.REASONING_ONLY)
    )
