"""Reads a stream of images up to its commit point: the first picture, or the first piece of a text."""

from gateway.dialects.answer_json import raise_error_in, raise_fault
from gateway.dialects.answer_stream import Opened
from gateway.dialects.images.progress import COMPLETED, is_progress
from gateway.dialects.named_events import name_of
from gateway.faults.classify import GetHeader
from gateway.faults.fault import Fault
from gateway.http.json_values import JsonObject


class ImagesOpening:
    """The beginning of one stream; see ``Opening``.

    Attributes:
        first: empty: no event names the answer.
    """

    def __init__(self, *, header: GetHeader, now_s: float) -> None:
        self.first: JsonObject = {}
        self._header = header
        self._now_s = now_s

    def take(self, payload: JsonObject) -> Opened:
        """Return what an event means. One without a type is dropped.

        Raises:
            AttemptFailedError: it reports an error, or ends the answer without a picture.
        """
        raise_error_in(payload, self._header, self._now_s)
        name = name_of(payload)
        if name is None:
            return Opened.DROPPED
        if is_progress(payload):
            return Opened.COMMITTED
        if name == COMPLETED:
            raise_fault(Fault(code="empty_answer"), payload)
        return Opened.HELD
