"""Finds out what an event of a stream shows about the attempt, and whether the answer is complete."""

from gateway.dialects.choice_form import ChoiceForm
from gateway.dialects.choices import indexed_choices
from gateway.dialects.error_forms import error_in
from gateway.dialects.finish_reason import FAILED, finish_of
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


def inspect_event(payload: JsonObject, *, form: ChoiceForm, header: GetHeader, now_s: float) -> EventFacts:
    """Return what a stream event's payload shows about the attempt.

    Raises:
        AttemptFailedError: the event reports an error.
    """
    choices = indexed_choices(payload)
    error = error_in(payload)
    finish: str | None = None
    substance = False
    progressed: list[int] = []
    finished: list[int] = []
    for index, choice in choices:
        error = error or choice.get("error")
        if form.says(choice, blank_counts=True):
            progressed.append(index)
            substance = substance or form.says(choice, blank_counts=False)
        if found := finish_of(choice.get("finish_reason")):
            finished.append(index)
            finish = FAILED if found == FAILED else finish or found
    if error or finish == FAILED:
        raise AttemptFailedError(classify(error, status=None, header=header, now_s=now_s))
    usage = payload.get("usage")
    return EventFacts(
        progress=bool(progressed),
        substance=substance,
        finish=finish,
        usage=usage if usage and isinstance(usage, dict) else None,
        appeared=tuple([index for index, _ in choices]),
        progressed=tuple(progressed),
        finished=tuple(finished),
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
        if not self._known.issuperset(facts.appeared):
            self._open.update(set(facts.appeared) - self._known)
            self._known.update(facts.appeared)
        self._open.update(facts.progressed)
        self._open.difference_update(facts.finished)


def says_nothing(payload: JsonObject, facts: EventFacts, form: ChoiceForm) -> bool:
    """Return whether an object is no chunk, such as ``{"type": "ping"}``."""
    return "choices" not in payload and facts.usage is None and payload.get("object") != form.object


def text_in(payload: JsonObject, form: ChoiceForm) -> str | None:
    """Return the chunk's text; None if the chunk holds anything other than text."""
    texts = [form.text_in(object_or_empty(choice)) for choice in list_or_empty(payload.get("choices"))]
    return None if None in texts else "".join(each for each in texts if each)
