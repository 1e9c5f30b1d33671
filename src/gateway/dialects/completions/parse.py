"""Parses the body of a completion request into a ``ModelRequest``, and checks it by its fields' rules."""

from gateway.dialects.body import OWN, integers_of, models_of, options_of, read_body, wrong_field
from gateway.dialects.completions.fields import FIELDS, NOT_CONTINUED, PROMPT
from gateway.dialects.completions.requirements import requirements_of
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.openai_fields import OPENROUTERS_OWN
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, object_or_empty, text_or_none


def parse(raw: bytes, *, max_values: int) -> ModelRequest:
    """Return the completion request in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid completion request; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    prompt = body.get("prompt")
    if prompt is None:
        hint = " A request with `messages` goes to /v1/chat/completions." if body.get("messages") else ""
        raise GatewayError("missing_field", f"`prompt` is required.{hint}", param="prompt")
    _check_tokens(prompt)
    fields = members.without(OWN)
    prompts = _prompts_in(prompt)
    choices = max([1, *integers_of(body, "n", "best_of")]) * prompts
    return ModelRequest(
        model=text_or_none(body.get("model")),
        models=models_of(body),
        stream=body.get("stream") is True,
        fields=fields,
        max_tokens=max(integers_of(body, "max_tokens"), default=None),
        choices=choices,
        openai_usage=object_or_empty(body.get("stream_options")).get("include_usage") is True,
        is_text_only=isinstance(prompt, str) and choices == 1 and not any(map(body.get, NOT_CONTINUED)),
        openrouters_own=not OPENROUTERS_OWN.isdisjoint(body),
        session=text_or_none(fields.value("session_id")),
        user=text_or_none(fields.value("user")),
        requirements=requirements_of(body, fields.text, prompts=prompts),
        options=options_of(body),
    )


def _check_tokens(prompt: Json) -> None:
    for place, each in enumerate(prompt if isinstance(prompt, list) else ()):
        if isinstance(each, list) and (not each or any(type(token) is not int for token in each)):
            raise wrong_field(f"prompt[{place}]", PROMPT)


def _prompts_in(prompt: Json) -> int:
    is_list = isinstance(prompt, list) and not isinstance(prompt[0], int)
    return len(prompt) if is_list and isinstance(prompt, list) else 1
