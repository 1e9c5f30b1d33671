"""Scripts of models that continue an answer: a last message of the role assistant (a prefill)."""

from collections.abc import Callable, Iterable, Mapping

from simulator.answers import Answer
from simulator.errors import provider_metadata, refused
from simulator.healthy import OK, answering
from simulator.steps import Pair, Script, Step
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


def refusing(pair: Pair) -> Pair:
    """Return the scripts of a model that refuses a prefill, and plays ``pair`` otherwise."""

    def unless_prefilled(script: Script) -> Script:
        def play(turn: Turn) -> Iterable[Step]:
            if _roles(turn)[-1:] == ["assistant"]:
                metadata = provider_metadata(f'{{"error":{{"message":"{_REFUSAL}"}}}}')
                return (refused(turn.id, 400, "Provider returned error", metadata),)
            return script(turn)

        return play

    return Pair(unless_prefilled(pair.plain), stream=unless_prefilled(pair.stream))


EXACT = continuing(lambda _: "")
WHOLE = continuing(lambda text: text)
LAST_WORDS = continuing(last_words)
REFUSED = refusing(LAST_WORDS)


def _roles(turn: Turn) -> list[object]:
    return [message.get("role") for message in _messages(turn)]


def _text_so_far(turn: Turn) -> str:
    """Return the text of the last message of the role assistant, if at most one message follows it."""
    for message in reversed(_messages(turn)[-2:]):
        if message.get("role") == "assistant":
            return str(message.get("content") or "")
    return ""


def _messages(turn: Turn) -> list[Mapping[str, object]]:
    messages = turn.body.get("messages")
    return [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
