"""Scripts that differ from dialect to dialect, and streams whose events are changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from simulator import framing
from simulator.dialects.dialect import Dialect
from simulator.framing import Event
from simulator.healthy import OK, OK_PAIR, Answers, answering, stream_headers
from simulator.steps import Headers, Pair, Script, Step
from simulator.turn import Turn

Events = list[Event]
Alter = Callable[[Turn, Events], Iterable[Event]]


def per_dialect(pairs: Mapping[Dialect, Pair], otherwise: Pair = OK_PAIR) -> Pair:
    """Return scripts that play the pair of the request's dialect; in other dialects, ``otherwise``."""

    def choose(script_of: Callable[[Pair], Script]) -> Script:
        return lambda turn: script_of(pairs.get(turn.dialect, otherwise))(turn)

    return Pair(choose(lambda pair: pair.plain), stream=choose(lambda pair: pair.stream))


def altered(alter: Alter, answers: Answers = lambda _: OK) -> Pair:
    """Return scripts that stream an answer with other events; plain: the answer."""

    def stream(turn: Turn) -> Iterator[Step]:
        answer, dialect = answers(turn), turn.dialect
        usual = [*dialect.opening(turn, answer), *dialect.progress(turn, answer)]
        usual += dialect.closing(turn, answer)
        yield Headers(stream_headers(turn))
        yield from map(framing.write, alter(turn, usual))

    return Pair(answering(answers).plain, stream=stream)
