"""Reads a stream with choices up to its commit point: the first chunk with content."""

from gateway.dialects.answer_stream import Opened
from gateway.dialects.choice_form import ChoiceForm
from gateway.dialects.event_facts import inspect_event
from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import JsonObject


class ChoiceOpening:
    """The beginning of one stream; see ``Opening``.

    Attributes:
        first: the chunk that committed.
    """

    def __init__(self, form: ChoiceForm, *, header: GetHeader, now_s: float, watched: bool) -> None:
        self.first: JsonObject = {}
        self._form = form
        self._header = header
        self._now_s = now_s
        self._watched = watched

    def take(self, payload: JsonObject) -> Opened:
        """Return what a chunk means.

        Raises:
            AttemptFailedError: it reports an error, or ends the answer before it has begun.
        """
        facts = inspect_event(payload, form=self._form, header=self._header, now_s=self._now_s)
        if facts.substance or facts.finish == "length" or (self._watched and facts.finish):
            self.first = payload
            return Opened.COMMITTED
        if facts.finish:
            is_filtered = facts.finish == "content_filter"
            raise AttemptFailedError(Fault(code="filtered_answer" if is_filtered else "empty_answer"))
        return Opened.HELD
