"""Checks by the catalogue whether a model can serve a request, so that no call is wasted on one that cannot.

The checks are a table, and run from its top. A check is *certain* if a call to the model could only fail.
Only a certain check excludes the model that the caller named first. A model is never excluded because the
catalogue lacks a piece of information.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TypeAlias

from gateway.dialects.model_request import ModelRequest
from gateway.dialects.requirements import PARAMETERS, Requirements
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, object_or_empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a model is checked against.

    Attributes:
        request: the request.
        require: parameters that the model's task route requires.
        now_s: Unix time in seconds.
    """

    request: ModelRequest
    require: tuple[str, ...] = ()
    now_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineligible:
    """Why a model is not eligible.

    Attributes:
        reason: the skip reason, as the receipt shows it.
        certain: whether a call to the model could only fail, or is not allowed.
        details: details for the receipt.
    """

    reason: str
    certain: bool
    details: JsonObject = field(default_factory=dict)


# Takes a catalogue entry; returns details of why the model cannot serve the request, None if it can.
Check: TypeAlias = Callable[[JsonObject, Question], JsonObject | None]


def check_capability(listed: JsonObject, question: Question) -> Ineligible | None:
    """Return the first check that a catalogue model fails; None if it passes all."""
    for reason, check, certain in CHECKS:
        details = check(listed, question)
        if details is not None:
            return Ineligible(reason=reason, certain=certain, details=details)
    return None


def _expired(listed: JsonObject, question: Question) -> JsonObject | None:
    date = listed.get("expiration_date")
    if not isinstance(date, str) or not date:
        return None
    today = datetime.fromtimestamp(question.now_s, UTC).date().isoformat()
    return {"since": date} if date < today else None


def _certainly_too_long(listed: JsonObject, question: Question) -> JsonObject | None:
    requirements = question.request.requirements
    return None if _is_unlimited(requirements) else _exceeds_context(listed, requirements.tokens.least)


def _likely_too_long(listed: JsonObject, question: Question) -> JsonObject | None:
    requirements = question.request.requirements
    return (
        None
        if _is_unlimited(requirements)
        else _exceeds_context(listed, requirements.tokens.likely + (question.request.max_tokens or 0))
    )


def _is_unlimited(requirements: Requirements) -> bool:
    return requirements.shrinks or requirements.is_in_parts


def _exceeds_context(listed: JsonObject, tokens: int) -> JsonObject | None:
    context = number_or_none(listed.get("context_length"))
    if not context or tokens <= context:
        return None
    return {"context_length": int(context), "tokens_estimated": tokens}


def _lacks_input(listed: JsonObject, question: Question) -> JsonObject | None:
    return _lacks_modality(listed, "input_modalities", question.request.requirements.inputs - FILE)


def _lacks_file_input(listed: JsonObject, question: Question) -> JsonObject | None:
    return _lacks_modality(listed, "input_modalities", question.request.requirements.inputs & FILE)


def _lacks_output(listed: JsonObject, question: Question) -> JsonObject | None:
    return _lacks_modality(listed, "output_modalities", question.request.requirements.outputs)


def _lacks_modality(listed: JsonObject, field_name: str, wanted: frozenset[str]) -> JsonObject | None:
    if not wanted:
        return None
    has = {str(each) for each in list_or_empty(object_or_empty(listed.get("architecture")).get(field_name))}
    missing: list[Json] = [*sorted(wanted - has)]
    return {"missing": missing} if has and missing else None


def _lacks(listed: JsonObject, *parameters: frozenset[str] | None) -> JsonObject | None:
    """Return the parameters that a model does not support; None if there are none.

    Each item of ``parameters`` holds the names of one parameter, any of which is enough. None is ignored.
    """
    parameters = tuple(names for names in parameters if names)
    if not parameters:
        return None
    supported = {str(each) for each in list_or_empty(listed.get("supported_parameters"))}
    missing: list[Json] = [min(names) for names in parameters if names and not names & supported]
    return {"missing": missing} if supported and missing else None


def _lacks_tools(listed: JsonObject, question: Question) -> JsonObject | None:
    return _lacks(listed, TOOLS if question.request.requirements.tools else None)


def _lacks_json(listed: JsonObject, question: Question) -> JsonObject | None:
    kind = question.request.requirements.json
    return _lacks(listed, JSON_PARAMETERS[kind] if kind else None)


def _lacks_parameter(listed: JsonObject, question: Question) -> JsonObject | None:
    return _lacks(listed, *(PARAMETERS[name] for name in question.request.requirements.parameters))


def _lacks_required(listed: JsonObject, question: Question) -> JsonObject | None:
    return _lacks(listed, *(frozenset({name}) for name in question.require))


FILE = frozenset({"file"})
TOOLS = frozenset({"tools"})
JSON_PARAMETERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "json_object": frozenset({"response_format", "structured_outputs"}),
        "json_schema": frozenset({"structured_outputs"}),
    }
)

# The skip reason, the check, and whether it is certain. Sources: OpenRouter's model list, for the meaning of
# each field; OpenRouter's errors, for what happens if a model lacks it: 404 "No endpoints found that support
# tool use", "… image input", "… can handle the requested parameters" (with `require_parameters`).
# Some checks are not certain. OpenRouter drops `response_format` without an error if no endpoint supports it.
# It has a plugin for files. `expiration_date` is only an announcement. A context that is likely too small is
# an estimate.
CHECKS: tuple[tuple[str, Check, bool], ...] = (
    ("no_tools", _lacks_tools, True),
    ("no_such_input", _lacks_input, True),
    ("no_such_output", _lacks_output, True),
    ("parameter_unsupported", _lacks_parameter, True),
    ("route_requires_more", _lacks_required, True),
    ("context_too_small", _certainly_too_long, True),
    ("context_too_small", _likely_too_long, False),
    ("no_json_output", _lacks_json, False),
    ("no_file_input", _lacks_file_input, False),
    ("expired", _expired, False),
)
