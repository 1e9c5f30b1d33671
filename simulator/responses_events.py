"""Streams of Responses whose events are left out, changed, repeated or added."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from simulator.answers import Json
from simulator.dialects.responses_forms import event, response
from simulator.framing import DONE, Event
from simulator.per_dialect import Alter, Events
from simulator.turn import Turn

AFTER_FIRST_PIECE = 5  # the events of the usual answer before its second piece
_NO_ITEM = 7  # the index of an item that does not exist
_SKIPPED = 10


def without_created(_: Turn, events: Events) -> Iterable[Event]:
    """Begin with the first item."""
    return _renumbered(events[2:])


def without_terminal(_: Turn, events: Events) -> Iterable[Event]:
    """End after the last item; OpenRouter bills it."""
    return _billed(events[:-2], events)


def with_done_for_terminal(_: Turn, events: Events) -> Iterable[Event]:
    """Put `[DONE]` in the place of the event that ends the response."""
    return _billed([*events[:-2], DONE], events)


def with_open_item(_: Turn, events: Events) -> Iterable[Event]:
    """Leave out that the last item is done, and the event that ends the response."""
    return _billed([*events[:-3], DONE], events)


def without_field(name: str) -> Alter:
    """Return a function that takes a field out of the last response object."""
    return _with_last(lambda last: {key: value for key, value in last.items() if key != name})


def without_items(turn: Turn, events: Events) -> Iterable[Event]:
    """Give the last response object an empty output, although its items were streamed."""
    return _with_last(lambda last: {**last, "output": []})(turn, events)


def numbered(number_of: Callable[[int], int | None]) -> Alter:
    """Return a function that gives each event another number; None: no number."""
    return lambda _, events: [_with_number(each, number_of(at)) for at, each in enumerate(events)]


def restarting(number: int) -> int:
    """Begin again after the first piece."""
    return number if number < AFTER_FIRST_PIECE else number - AFTER_FIRST_PIECE


def skipping(number: int) -> int:
    """Leave ten numbers out after the first piece."""
    return number if number < AFTER_FIRST_PIECE else number + _SKIPPED


def unnamed(_: Turn, events: Events) -> Iterable[Event]:
    """Take the name lines away."""
    return [replace(each, name=None) for each in events]


def with_event(make: Callable[[Turn], Event], at: int = AFTER_FIRST_PIECE) -> Alter:
    """Return a function that puts one more event at this place; the numbers go on."""
    return lambda turn, events: _renumbered([*events[:at], make(turn), *events[at:]])


def unknown(turn: Turn) -> Event:
    """Return an event of an unknown type."""
    return event(turn, "response.simulated.progress", note="unknown")


def debug(turn: Turn) -> Event:
    """Return OpenRouter's event with what it asked of the provider."""
    return event(turn, "response.debug", debug={"echo_upstream_body": {"model": turn.model, "messages": []}})


def stray(turn: Turn) -> Event:
    """Return a piece of an item that was never added."""
    at = {"output_index": _NO_ITEM, "content_index": 0, "logprobs": []}
    return event(turn, "response.output_text.delta", item_id="msg_stray", delta=" Sydney", **at)


def created(turn: Turn) -> Event:
    """Return the start of a response."""
    return event(turn, "response.created", response=response(turn, "in_progress"))


def with_second_done(_: Turn, events: Events) -> Iterable[Event]:
    """Say twice that the last item is done."""
    return _renumbered([*events[:-2], events[-3], *events[-2:]])


def _billed(kept: Events, events: Events) -> Iterable[Event]:
    """Return the events of which the last one costs what the terminal event would have cost."""
    return *kept[:-1], replace(kept[-1], tally=events[-2].tally)


def _renumbered(events: Events) -> Iterable[Event]:
    return [_with_number(each, number) for number, each in enumerate(events)]


def _with_last(change: Callable[[Json], Json]) -> Alter:
    def alter(_: Turn, events: Events) -> Iterable[Event]:
        *before, last, done = events
        assert isinstance(last.data, dict)
        return *before, replace(last, data={**last.data, "response": change(last.data["response"])}), done

    return alter


def _with_number(each: Event, number: int | None) -> Event:
    if isinstance(each.data, str):
        return each
    data = {key: value for key, value in each.data.items() if key != "sequence_number"}
    return replace(each, data=data if number is None else {**data, "sequence_number": number})
