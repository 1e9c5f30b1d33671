"""Defines ``Completion``, a plain answer that passed the checks, and reads one without its long texts."""

from contextlib import suppress
from typing import Protocol

from gateway.dialects.answer_test import AnswerTest
from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.long_strings import NONE, LongStrings, shorten_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A plain answer that passed the checks.

    Attributes:
        payload: the parsed JSON object, without its long strings.
        raw: the complete object as bytes, unchanged, from its opening to its closing brace; or the bytes of
            an answer that is no JSON, whose ``payload`` is empty.
        long: the strings that ``payload`` has placeholders for.
        media_type: the content type of an answer that is no JSON.
    """

    payload: JsonObject
    raw: bytes
    long: LongStrings
    media_type: str = "application/json"


class CheckAnswer(Protocol):
    """Checks the body of a plain reply."""

    def __call__(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
        """Return the answer in a body.

        Raises:
            AttemptFailedError: it holds no usable answer.
        """


def read_answer(
    raw: bytes, check: CheckAnswer, test: AnswerTest, *, header: GetHeader, now_s: float
) -> Completion:
    """Return the plain answer in a body, if it passes the dialect's checks.

    Raises:
        AttemptFailedError: the body holds no usable answer. ``withheld`` is an answer that was filtered.
    """
    # A text that must be JSON is read whole.
    short, long = (raw, NONE) if test.json else shorten_texts(raw)
    if long.parts:
        with suppress(AttemptFailedError):  # read again: what is told of a fault must hold no placeholders
            payload = check(short, test, header=header, now_s=now_s)
            long.restore_members(payload)
            return Completion(payload=payload, raw=raw, long=long)
    try:
        payload = check(raw, test, header=header, now_s=now_s)
    except AttemptFailedError as failure:
        if not isinstance(failure.withheld, dict):
            raise
        withheld = Completion(payload=failure.withheld, raw=raw, long=NONE)
        raise AttemptFailedError(failure.fault, withheld=withheld) from None
    return Completion(payload=payload, raw=raw, long=NONE)
