"""Reads the JSON of a plain reply with status 200."""

from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_bytes import TooManyValuesError, parse_json
from gateway.http.json_values import Json


def answer_json(raw: bytes, header: GetHeader) -> Json:
    """Return the value of a reply's body; ``header`` returns a header of the reply.

    Raises:
        AttemptFailedError: the body is no JSON, or has too many values.
    """
    try:
        return parse_json(raw)
    except TooManyValuesError:
        raise AttemptFailedError(Fault(code="answer_too_large")) from None
    except ValueError:
        content_type = (header("content-type") or "").lower()
        is_other = "html" in content_type or "event-stream" in content_type
        raise AttemptFailedError(Fault(code="wrong_content_type" if is_other else "not_json")) from None
