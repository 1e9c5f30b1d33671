"""Finds out what an event of a stream shows about the attempt, and whether the answer is complete."""

from gateway.dialects.chat.answer_checks import has_progress, has_substance
from gateway.dialects.chat.error_forms import error_in
from gateway.dialects.chat.event_data import OBJECT, indexed_choices
from gateway.dialects.chat.finish_reason import FAILED, finish_of
from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import AttemptFailedError
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What one stream event shows about the attempt.

    Attributes:
        progress: whether it has any content, even if only white space.
        substance: whether it has content other than white space.
        finish: the first finish reason among its choices, as ``finish_of`` returns it; None if there is none.
        usage: the tokens and the cost; None if the event does not state them.
        appeared: the indexes of its choices.
        progressed: the indexes of the choices to which it adds content.
        finished: the indexes of the choices that it finishes.
    """

    progress: bool
    substance: bool
    finish: str | None
    usage: JsonObject | None
    appeared: tuple[int, ...] = ()
    progressed: tuple[int, ...] = ()
    finished: tuple[int, ...] = ()


def inspect_event(payload: JsonObject, *, header: GetHeader, now_s: float) -> EventFacts:
    """Return what a stream event's payload shows about the attempt.

    Raises:
        AttemptFailedError: the event reports an error.
    """
    choices = indexed_choices(payload)
    finishes = [(index, finish_of(choice.get("finish_reason"))) for index, choice in choices]
    errors = [error_in(payload), *(choice.get("error") for _, choice in choices)]
    error = next((each for each in errors if each), None)
    if error or any(finish == FAILED for _, finish in finishes):
        raise AttemptFailedError(classify(error, status=None, header=header, now_s=now_s))
    progressed = tuple(index for index, choice in choices if has_progress(choice.get("delta")))
    usage = payload.get("usage")
    return EventFacts(
        progress=bool(progressed),
        substance=bool(progressed) and any(has_substance(choice.get("delta")) for _, choice in choices),
        finish=next((finish for _, finish in finishes if finish), None),
        usage=usage if usage and isinstance(usage, dict) else None,
        appeared=tuple(index for index, _ in choices),
        progressed=progressed,
        finished=tuple(index for index, finish in finishes if finish),
    )


class OpenChoices:
    """Tracks which choices of a stream have begun, and which of them have finished."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._open: set[int] = set()

    @property
    def are_finished(self) -> bool:
        """Whether a choice has begun, and every choice that has begun is finished."""
        return bool(self._known) and not self._open

    def note(self, facts: EventFacts) -> None:
        """Take in an event. Content after its finish reason opens a choice again."""
        self._open.update(index for index in facts.appeared if index not in self._known)
        self._known.update(facts.appeared)
        self._open.update(facts.progressed)
        self._open.difference_update(facts.finished)


def says_nothing(payload: JsonObject, facts: EventFacts) -> bool:
    """Return whether an object is no chunk, such as ``{"type": "ping"}``."""
    return "choices" not in payload and facts.usage is None and payload.get("object") != OBJECT


def text_in(payload: JsonObject) -> str | None:
    """Return the chunk's text; None if the chunk holds anything other than text."""
    text = ""
    for choice in list_or_empty(payload.get("choices")):
        delta = object_or_empty(object_or_empty(choice).get("delta"))
        content = delta.get("content") or ""
        if not isinstance(content, str) or delta.get("tool_calls") or delta.get("function_call"):
            return None
        text += content
    return text
