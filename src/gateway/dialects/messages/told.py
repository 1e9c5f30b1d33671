"""Adds to a plain message what its request asks for beside the model's own answer."""

from gateway.dialects.answer_stream import AnswerContext
from gateway.dialects.messages.safeguards import (
    CLIENTS_CALLS,
    NO_VERDICTS,
    RESULTS,
    asks_for_verdicts,
    no_verdicts,
)
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty


def tell(payload: JsonObject, told: AnswerContext) -> bool:
    """State the model as the caller asked for it, and say that a check has no verdicts; in place.

    Returns whether anything changed.
    """
    changed = False
    if told.shown_model is not None and payload.get("model") != told.shown_model:
        payload["model"] = told.shown_model
        changed = True
    kinds = [object_or_empty(block).get("type") for block in list_or_empty(payload.get("content"))]
    has_calls = any(isinstance(kind, str) and kind in CLIENTS_CALLS for kind in kinds)
    if has_calls and not payload.get(RESULTS) and asks_for_verdicts(told.request):
        payload[RESULTS] = no_verdicts(told.request, told.model)
        told.note(NO_VERDICTS.format(model=told.model))
        changed = True
    return changed
