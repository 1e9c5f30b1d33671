"""What the dialects share whose plain answers are JSON: the bytes of an answer, and how a body is refused."""

from abc import ABC, abstractmethod

from simulator.answers import JSON_TYPE, Answer, Json, dumps
from simulator.fault import Fault
from simulator.turn import Turn


class JsonAnswers(ABC):
    """A dialect with JSON for a plain answer, unless a subclass says otherwise."""

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
