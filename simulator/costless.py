"""Scripts of an answer whose usage does not say what it costs: only `/generation` does."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from simulator import framing
from simulator.answers import Json, dumps
from simulator.framing import Event
from simulator.healthy import OK, plain_headers, said, stream_headers
from simulator.steps import Complete, Headers, Pair, Step
from simulator.turn import Turn

_COST_FIELDS = frozenset({"cost", "cost_details", "is_byok"})


def _plain(turn: Turn) -> Iterable[Step]:
    body = _without_cost(turn.dialect.body(turn, OK))
    return (Complete(200, dumps(body), plain_headers(turn), turn.dialect.tally(turn, OK)),)


def _stream(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    yield from said(turn, OK)
    yield from map(framing.write, map(_event_without_cost, turn.dialect.closing(turn, OK)))


PAIR = Pair(_plain, stream=_stream)


def _event_without_cost(event: Event) -> Event:
    return event if isinstance(event.data, str) else replace(event, data=_without_cost(event.data))


def _without_cost(payload: Json) -> Json:
    if isinstance(payload.get("response"), dict):
        return {**payload, "response": _without_cost(payload["response"])}
    usage = payload.get("usage")
    if not isinstance(usage, dict):
        return payload
    return {**payload, "usage": {key: value for key, value in usage.items() if key not in _COST_FIELDS}}
