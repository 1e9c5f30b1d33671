"""What the dialects of conversations share."""

from simulator.answers import Answer, tally_of
from simulator.dialects.json_answers import JsonAnswers
from simulator.steps import Tally
from simulator.turn import Turn


class Conversation(JsonAnswers):
    """A dialect whose models say text, plain or as a stream."""

    output = "text"
    streams = True

    def tally(self, turn: Turn, answer: Answer) -> Tally:
        """Return the tokens and the cost of an answer."""
        return tally_of(turn, answer)
