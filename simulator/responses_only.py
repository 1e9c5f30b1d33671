"""Scripts that only Responses has: outputs of items that no other dialect has."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from simulator import framing
from simulator.answers import Answer, ToolCall, dumps, tally_of
from simulator.dialects.messages_blocks import signature
from simulator.dialects.responses import RESPONSES, ended, ending, opening, progress
from simulator.dialects.responses_items import Item, call, image, item_id, message, reasoning, web_search
from simulator.healthy import (
    BLANK,
    IMAGE,
    OK,
    OK_PAIR,
    REASONING,
    call_id,
    keep_alive,
    plain_headers,
    stream_headers,
)
from simulator.per_dialect import per_dialect
from simulator.steps import Complete, Headers, Pair, Step, Write
from simulator.tool_choice import arguments_of, tool_for
from simulator.turn import Turn

Items = Callable[[Turn], tuple[Item, ...]]
_THOUGHT = Answer(OK.pieces, reasoning=("withheld",))
_SOURCE = {
    "type": "url_citation",
    "title": "Canberra",
    "url": "https://example.com/canberra",
    "start_index": 0,
    "end_index": 8,
}


def in_responses(pair: Pair, otherwise: Pair = OK_PAIR) -> Pair:
    """Return scripts that play one pair in Responses, and the other elsewhere."""
    return per_dialect({RESPONSES: pair}, otherwise)


def output(items_of: Items) -> Pair:
    """Return scripts that answer with these items; elsewhere as ok."""

    def plain(turn: Turn) -> Iterable[Step]:
        tally = tally_of(turn, OK)
        return (Complete(200, dumps(ended(turn, items_of(turn), tally)), plain_headers(turn), tally),)

    def stream(turn: Turn) -> Iterator[Step]:
        items, tally = items_of(turn), tally_of(turn, OK)
        yield Headers(stream_headers(turn))
        yield from map(framing.write, opening(turn, items))
        yield from map(framing.write, progress(turn, items))
        yield from map(framing.write, ending(turn, items, tally))

    return in_responses(Pair(plain, stream=stream))


def searched(turn: Turn) -> tuple[Item, ...]:
    """Return a search of the web, and a message that cites it."""
    return web_search(turn, "capital of Australia"), message(turn, OK.pieces, [_SOURCE])


def drawn(turn: Turn) -> tuple[Item, ...]:
    """Return an image alone."""
    assert IMAGE.image_url is not None
    return (image(turn, IMAGE.image_url.rpartition(",")[2]),)


def called_twice(turn: Turn) -> tuple[Item, ...]:
    """Return two calls of the first tool; a message once the last item is a tool's result."""
    tool = tool_for(turn.dialect.asked(turn.body))
    if tool is None:
        return (message(turn, OK.pieces),)
    called = ToolCall(call_id(turn), tool.name, arguments_of(tool), custom=tool.custom)
    return tuple(call(turn, replace(called, id=f"{called.id}{number}")) for number in range(2))


def thought_aloud(turn: Turn) -> tuple[Item, ...]:
    """Return reasoning as its own text, and a message."""
    return reasoning(turn, REASONING.reasoning, openly=True), message(turn, REASONING.pieces)


def with_unknown_item(turn: Turn) -> tuple[Item, ...]:
    """Return an item of an unknown type, and a message."""
    unknown = {"id": item_id(turn, "un"), "type": "simulated_call", "status": "completed"}
    return Item(unknown, unknown), message(turn, OK.pieces)


def _withheld(turn: Turn) -> tuple[Item, ...]:
    return reasoning(turn, (), signature(turn.model, "withheld")), message(turn, OK.pieces)


def _withheld_stream(turn: Turn) -> Iterator[Step]:
    items, tally = _withheld(turn), tally_of(turn, _THOUGHT)
    yield Headers(stream_headers(turn))
    yield from map(framing.write, opening(turn, items))
    yield from keep_alive(framing.COMMENT, turn.number / 1000)
    yield from map(framing.write, progress(turn, items))
    yield from map(framing.write, ending(turn, items, tally))


def _withheld_plain(turn: Turn) -> Iterator[Step]:
    tally = tally_of(turn, _THOUGHT)
    yield Headers(plain_headers(turn))
    yield from keep_alive(BLANK, turn.number / 1000)
    yield Write(dumps(ended(turn, _withheld(turn), tally)), tally=tally)


WITHHELD = Pair(_withheld_plain, stream=_withheld_stream)
