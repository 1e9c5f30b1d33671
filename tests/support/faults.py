"""Returns the ``Fault`` that ``classify`` makes of an upstream error, in one call."""

from typing import Any

from gateway.faults.classify import classify
from gateway.faults.fault import Fault
from gateway.http.json_values import Json, JsonObject
from tests.support.samples import Sample, samples_named

NOW_S = 1_795_338_000.0  # 2026-11-22T09:00:00Z
FAULTY = [*samples_named("err-"), "soft-01-200-error-only", "soft-02-200-choice-error-partial"]


def fault_of(error: Json, status: int | None = None, **headers: str) -> Fault:
    """Return the fault of an error; a keyword ``retry_after`` sets the header ``retry-after``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(error, status=status, header=named.get, now_s=NOW_S)


def fault_in(found: Sample) -> Fault:
    """Return the fault of a recorded reply."""
    status = found.status if found.status >= 400 else None
    return classify(error_in(found.json), status=status, header=found.headers.get, now_s=NOW_S)


def error_in(payload: JsonObject) -> Json:
    """Return the error of a payload; if it has none, the error of its first choice."""
    choices: Any = payload.get("choices") or [{}]
    return payload.get("error") or choices[0].get("error")


def meta(**metadata: Json) -> JsonObject:
    """Return an error with this metadata."""
    return {"message": "Some words.", "metadata": metadata}
