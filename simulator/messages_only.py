"""Scripts that only Anthropic Messages has; elsewhere the same models do something else."""

from collections.abc import Iterable, Iterator

from simulator import framing
from simulator.answers import Answer, ToolCall, dumps, tally_of
from simulator.dialects.messages import MESSAGES, closing, opening, progress
from simulator.dialects.messages_blocks import (
    Block,
    compaction,
    signature,
    text,
    thinking,
    tool_use,
    whole,
)
from simulator.dialects.messages_forms import (
    PING,
    Message,
    block_deltas,
    block_start,
    block_stop,
    message_start,
    plain_body,
)
from simulator.framing import DONE, Event
from simulator.healthy import BEAT_S, BLANK, OK, OK_PAIR, keep_alive, plain_headers, stream_headers
from simulator.per_dialect import Events, per_dialect
from simulator.steps import Complete, Headers, Pair, Step, Write
from simulator.turn import Turn

_SEARCH = ToolCall("srvtoolu_1", "web_search", ('{"query": ', '"capital of Australia"}'))
_FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": _SEARCH.id,
    "content": [
        {
            "type": "web_search_result",
            "title": "Canberra",
            "url": "https://example.com/canberra",
            "encrypted_content": "c2ltdWxhdGVk",
            "page_age": None,
        }
    ],
}
SEARCHING = (tool_use(_SEARCH, "server_tool_use"),)
SEARCHED = (*SEARCHING, whole(_FOUND), text(OK.pieces))
COMPACTED = (compaction("The user asked for the capital of Australia."),)
SPOKEN = (text(OK.pieces),)


def in_messages(pair: Pair, otherwise: Pair = OK_PAIR) -> Pair:
    """Return scripts that play one pair in Messages, and the other elsewhere."""
    return per_dialect({MESSAGES: pair}, otherwise)


def message(blocks: tuple[Block, ...], stop_reason: str) -> Pair:
    """Return scripts that answer with these blocks and this stop reason."""

    def message_to(turn: Turn) -> Message:
        return Message(blocks, stop_reason, tally_of(turn, OK))

    def plain(turn: Turn) -> Iterable[Step]:
        answer = message_to(turn)
        return (Complete(200, dumps(plain_body(turn, answer)), plain_headers(turn), answer.tally),)

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        answer = message_to(turn)
        yield from map(framing.write, opening(turn, answer))
        yield from map(framing.write, progress(answer))
        yield from map(framing.write, closing(turn, answer))

    return in_messages(Pair(plain, stream=stream))


def with_pings(_: Turn, events: Events) -> Iterable[Event]:
    """Put a ping after each event but the last."""
    return [each for event in events for each in (event, PING)][:-1]


def with_named_done(_: Turn, events: Events) -> Iterable[Event]:
    """Put a `[DONE]` with a name at the end."""
    return *(each for each in events if each is not DONE), Event("[DONE]", "data")


def with_unnamed_done(_: Turn, events: Events) -> Iterable[Event]:
    """Put a `[DONE]` without a name at the end."""
    return *events, DONE


def with_second_start(turn: Turn, events: Events) -> Iterable[Event]:
    """Put a second `message_start` between the deltas."""
    return *events[:5], message_start(turn), *events[5:]


def with_stray_delta(_: Turn, events: Events) -> Iterable[Event]:
    """Put a delta of a block that was never started between the deltas."""
    return *events[:5], *block_deltas(7, text((" Sydney",))), *events[5:]


def with_second_stop(_: Turn, events: Events) -> Iterable[Event]:
    """Stop the block twice."""
    return *events[:-2], block_stop(0), *events[-2:]


def _withheld(turn: Turn) -> Message:
    hidden = thinking((), signature(turn.model, "withheld"))
    tally = tally_of(turn, Answer(OK.pieces, reasoning=("withheld",)))
    return Message((hidden, *SPOKEN), "end_turn", tally)


def _withheld_stream(turn: Turn) -> Iterator[Step]:
    answer = _withheld(turn)
    yield Headers(stream_headers(turn))
    yield framing.write(message_start(turn))
    yield framing.write(block_start(0, answer.blocks[0]))
    yield from keep_alive(framing.framed(PING), max(turn.number / 1000, BEAT_S / 100), events=1)
    yield from map(framing.write, progress(answer))
    yield from map(framing.write, closing(turn, answer))


def _withheld_plain(turn: Turn) -> Iterator[Step]:
    answer = _withheld(turn)
    yield Headers(plain_headers(turn))
    yield from keep_alive(BLANK, turn.number / 1000)
    yield Write(dumps(plain_body(turn, answer)), tally=answer.tally)


WITHHELD = Pair(_withheld_plain, stream=_withheld_stream)
