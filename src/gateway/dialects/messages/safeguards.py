"""Says that an answer has no verdicts of the safety check that the request asks for.

Claude Code's auto mode runs no tool without a verdict. Makers other than Anthropic may give none. The gateway
never invents a verdict: the answer says that there is none, and why.
Source: Claude Code 2.1.332, as observed: ``safeguards``, ``safeguard_results`` and its statuses.
"""

from gateway.dialects.model_request import ModelRequest
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, text_or_none

RESULTS = "safeguard_results"
# The blocks whose calls the client would run. Others run at OpenRouter or a provider.
CLIENTS_CALLS = frozenset({"tool_use"})
# No client asks for more checks.
MAX_CHECKS = 20
NO_VERDICTS = "{model} gave no safeguard results. Claude Code's auto mode runs no tool without them."


def asks_for_verdicts(request: ModelRequest) -> bool:
    """Return whether a request asks for a safety check of the tool calls."""
    return "safeguards" in request.fields.places


def no_verdicts(request: ModelRequest, model: str) -> list[Json]:
    """Return the results of checks that the model did not make, one for each check that is asked for."""
    reason = NO_VERDICTS.format(model=model)
    status: JsonObject = {"type": "unsupported", "reason": reason}
    asked = list_or_empty(request.fields.value("safeguards"))[:MAX_CHECKS]
    kinds = [kind for each in asked if (kind := text_or_none(object_or_empty(each).get("type")))]
    return [{"type": kind, "status": {**status}} for kind in kinds]
