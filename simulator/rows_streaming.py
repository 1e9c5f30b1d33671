"""Table rows of streams that stall, are cut off or use rare framing, with the reply to a plain request."""

from collections.abc import Iterator

from simulator import blocks, connection, errors, healthy, hidden, streams
from simulator.framing import BOM, cr, crlf, framed, multi_line
from simulator.healthy import OK_PAIR, answering
from simulator.row import Behaviour
from simulator.steps import Break, Pair


def stream_rows() -> Iterator[Behaviour]:
    """Yield the rows of streams with faults or unusual framing."""
    yield from _silent_streams()
    yield from _cut_off_streams()
    yield from _block_streams()
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
        "A role-only delta (an empty one), then silence; plain: as hang-body.",
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


def _cut_off_streams() -> Iterator[Behaviour]:
    row, ok, partial = _stream_row, OK_PAIR.plain, hidden.choice_error(hidden.PARTIAL).plain
    nocode, text = {"message": "The operation was aborted"}, "Provider disconnected"
    limited = hidden.fault_only(errors.rate_limit)
    yield row(
        "reset-after",
        "3 events of text, then a TCP reset; plain: half of the JSON, then a reset.",
        Pair(connection.half_then(Break.RESET), stream=streams.RESET_AFTER_THREE),
    )
    yield row(
        "cut-after",
        "3 events of text, then a clean end without finish reason or `[DONE]` (Responses: the item is not "
        "done); plain: as cut-json.",
        Pair(hidden.cut_json_plain, stream=streams.after_three()),
    )
    yield row(
        "empty-stream",
        "A role chunk, finish reason stop, `[DONE]`; plain: as empty.",
        Pair(answering(hidden.EMPTY).plain, stream=answering(healthy.NO_WORD).stream),
    )
    yield row(
        "done-only",
        "`[DONE]` (`message_stop`) and nothing else; plain: as empty-body.",
        Pair(hidden.no_body, stream=hidden.done_only),
    )
    yield row(
        "no-done",
        "Complete, but no `[DONE]` (`message_stop`); plain: as ok.",
        Pair(ok, stream=streams.no_done),
    )
    yield row(
        "garbage-event",
        "`data: {not json}` after 2 events, then the remaining events as usual; plain: as garbage.",
        Pair(hidden.body(b"{not json}"), stream=streams.garbage_event),
    )
    yield row(
        "cut-event",
        "Half of an event's JSON after 2 events, then the remaining events as usual; plain: as cut-json.",
        Pair(hidden.cut_json_plain, stream=streams.cut_event),
    )
    yield row(
        "tools-cut",
        "A tool call whose arguments stop half-way, then a clean end; plain: as cut-json.",
        Pair(hidden.cut_json_plain, stream=streams.cut_tool_call),
    )
    yield row("plain-for-stream", "A stream request gets plain JSON; plain: as ok.", Pair.same(ok))
    yield row("stream-for-plain", "A plain request gets a stream; stream: as ok.", Pair.same(OK_PAIR.stream))
    yield row("error-first", "200, and the error as first event; plain: as body.", hidden.FIRST_ERROR)
    yield row(
        "rate-limit-first",
        "200, and a provider's 429 as first event; plain: as body.",
        limited,
    )
    yield row(
        "rate-limit-mid",
        "3 events of text, then a provider's 429 in the documented form; plain: as rate-limit-first.",
        Pair(
            limited.plain,
            stream=streams.fault_mid(errors.rate_limit),
        ),
    )
    yield row(
        "error-mid",
        "3 events of text, then the documented error event (Responses: `response.failed`); plain: as "
        "choice-error after partial text.",
        Pair(partial, stream=streams.fault_mid(lambda _: errors.OVERLOADED)),
    )
    yield row(
        "error-mid-string",
        "3 events of text, then the error as a string; plain: as error-string.",
        _bare_mid(text),
    )
    yield row(
        "error-mid-nocode",
        "3 events of text, then an error without a code; plain: 200 with that error.",
        _bare_mid(nocode),
    )


def _block_streams() -> Iterator[Behaviour]:
    row, spoken = _stream_row, blocks.after_block(lambda _: healthy.OK)
    yield row(
        "error-before-block",
        "A role (`message_start`), then the documented error event; plain: as error-first.",
        blocks.failing(blocks.before_block),
    )
    yield row(
        "error-after-block",
        "All of the text (a complete block), then the documented error event; plain: as error-first.",
        blocks.failing(spoken),
    )
    yield row(
        "cut-after-block",
        "All of the text (a complete block), then a clean end; plain: as cut-json.",
        blocks.cut(spoken),
    )
    yield row(
        "reset-after-block",
        "All of the text (a complete block), then a TCP reset; plain: as reset-after.",
        blocks.reset(spoken),
    )
    yield row(
        "stall-after-block",
        "All of the text (a complete block), then silence; plain: as stall-after.",
        blocks.stalled(spoken),
    )


def _bare_mid(error: object) -> Pair:
    body_of = hidden.bare(error)
    stream = streams.error_mid(lambda turn: turn.dialect.error_event(turn, body_of(turn)))
    return Pair(hidden.error_only(body_of).plain, stream=stream)


def _framed_streams() -> Iterator[Behaviour]:
    row, ok = _stream_row, OK_PAIR.plain
    yield row(
        "one-byte",
        "A healthy stream of non-ASCII text, one byte at a time; plain: the JSON, one byte at a time.",
        Pair(connection.byte_by_byte_plain, stream=connection.byte_by_byte_stream),
    )
    yield row("crlf", "CRLF line ends; plain: as ok.", Pair(ok, stream=streams.framed(crlf)))
    yield row("cr", "CR line ends; plain: as ok.", Pair(ok, stream=streams.framed(cr)))
    yield row(
        "multi-line",
        "Data over several `data:` lines; plain: as ok.",
        Pair(ok, stream=streams.framed(multi_line)),
    )
    yield row("bom", "Starts with a BOM; plain: as ok.", Pair(ok, stream=streams.framed(framed, first=BOM)))
    yield row("huge-event", "One event of 1 MB; plain: 1 MB of content.", answering(healthy.LARGE))
