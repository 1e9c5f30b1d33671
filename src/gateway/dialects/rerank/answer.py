"""Checks whether a body holds usable results of reranking."""

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.dialects.answer_test import AnswerTest, Expected
from gateway.faults.classify import GetHeader
from gateway.faults.fault import Fault
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, number_or_none


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedResults(Expected):
    """What the results must fit.

    Attributes:
        documents: how many documents the request has.
    """

    documents: int


def results_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the results in the body of a plain reply with status 200, if they pass the checks.

    Raises:
        AttemptFailedError: there are none, or one names no document, or the same as another, or no score.
    """
    payload = answer_object(raw, header=header, now_s=now_s)
    results = payload.get("results")
    if not isinstance(results, list) or not results:
        raise_fault(Fault(code="empty_answer"), payload)
    assert isinstance(test.expected, ExpectedResults)  # every request of this dialect has it
    seen = set[int]()
    for each in results:
        index = _index_of(each, test.expected.documents)
        if index is None or index in seen:
            raise_fault(Fault(code="malformed_answer"), payload)
        seen.add(index)
    return payload


def _index_of(result: Json, documents: int) -> int | None:
    """Return the index of a result; None if it is no result."""
    if not isinstance(result, dict) or number_or_none(result.get("relevance_score")) is None:
        return None
    index = result.get("index")
    return index if type(index) is int and 0 <= index < documents else None
