"""What the dialects of conversations share."""

from abc import ABC, abstractmethod

from simulator.answers import JSON_TYPE, Answer, Json, dumps, tally_of
from simulator.fault import Fault
from simulator.steps import Tally
from simulator.turn import Turn


class Conversation(ABC):
    """A dialect whose models say text, plain or as a stream."""

    output = "text"
    streams = True

    @abstractmethod
    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return the body of a plain answer."""

    def payload(self, turn: Turn, answer: Answer) -> bytes:
        """Return the bytes of a plain answer."""
        return dumps(self.body(turn, answer))

    def invalid(self, words: str) -> Fault:
        """Return the error of a body that is refused with these words."""
        return Fault(400, words)

    def media_type(self, _turn: Turn) -> str:
        """Return the content type of a plain answer."""
        return JSON_TYPE

    def tally(self, turn: Turn, answer: Answer) -> Tally:
        """Return the tokens and the cost of an answer."""
        return tally_of(turn, answer)
