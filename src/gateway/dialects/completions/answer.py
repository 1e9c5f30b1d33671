"""Checks whether a body holds usable completions."""

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.choices_in import answer_with_choices
from gateway.dialects.completions.text_form import text_of
from gateway.dialects.finish_reason import FAILED, finish_of
from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import Fault
from gateway.http.json_values import JsonObject


def completions_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the completions in the body of a plain reply with status 200, if they pass the checks.

    Raises:
        AttemptFailedError: the body holds no usable answer.
    """

    def fault_of(choice: JsonObject) -> Fault | None:
        finish = finish_of(choice.get("finish_reason"))
        if choice.get("error") or finish == FAILED:
            return classify(choice.get("error"), status=None, header=header, now_s=now_s)
        if finish == "length" or text_of(choice):
            return None  # the caller's own limit may have ended it before its text
        if finish == "content_filter":
            return Fault(code="filtered_answer")
        if choice.get("reasoning"):
            return None if test.reasoning_only else Fault(code="reasoning_only")
        return Fault(code="empty_answer")

    return answer_with_choices(raw, fault_of, header=header, now_s=now_s)
