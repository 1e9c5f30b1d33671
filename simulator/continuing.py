"""Scripts of models that continue an answer: a last message of the role assistant (a prefill)."""

from collections.abc import Callable

from simulator.answers import Answer
from simulator.errors import refusing
from simulator.fault import Fault, rejected
from simulator.healthy import OK, answering
from simulator.steps import Pair
from simulator.turn import Turn

_TEXT = "".join(OK.pieces)
_PIECE_CHARACTERS = 5
_LAST_WORDS = 2
# Source: Anthropic's Messages API, for models without prefill.
_REFUSAL = "This model does not support assistant message prefill."


def continuing(repeated: Callable[[str], str]) -> Pair:
    """Return the scripts of a model that continues the usual answer.

    Args:
        repeated: returns what the model repeats of the text that it continues.
    """

    def answer_to(turn: Turn) -> Answer:
        so_far = _text_so_far(turn)
        if not so_far or not _TEXT.startswith(so_far):
            return OK
        text = repeated(so_far) + _TEXT[len(so_far) :]
        return Answer(
            tuple(text[at : at + _PIECE_CHARACTERS] for at in range(0, len(text), _PIECE_CHARACTERS))
        )

    return answering(answer_to)


def last_words(text: str) -> str:
    """Return the last words of a text."""
    return " ".join(text.split(" ")[-_LAST_WORDS:])


def refused_prefill(turn: Turn) -> Fault | None:
    """Return the error of a model that refuses a prefill, if there is one."""
    last = turn.dialect.asked(turn.body).last
    return rejected(_REFUSAL) if last.role == "assistant" else None


EXACT = continuing(lambda _: "")
WHOLE = continuing(lambda text: text)
LAST_WORDS = continuing(last_words)
REFUSED = refusing(refused_prefill, LAST_WORDS)


def _text_so_far(turn: Turn) -> str:
    """Return the text of the last message of the role assistant, if at most one message follows it."""
    for message in reversed(turn.dialect.asked(turn.body).messages[-2:]):
        if message.role == "assistant":
            return message.text
    return ""
