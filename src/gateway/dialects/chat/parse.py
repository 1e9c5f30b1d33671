"""Parses the body of a chat request into a ``ModelRequest``, and checks it by the rules in ``fields``."""

from gateway.dialects.body import OWN, check_messages, integers_of, models_of, options_of, read_body
from gateway.dialects.chat.fields import FIELDS, NOT_TEXT
from gateway.dialects.chat.json_answer import json_root_of
from gateway.dialects.chat.requirements import requirements_of
from gateway.dialects.chat.signed_reasoning import SIGNED
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.openai_fields import OPENROUTERS_OWN
from gateway.dialects.signed_parts import signed_parts_in
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import (
    MAX_VALUES,
)
from gateway.http.json_values import (
    list_or_empty,
    object_or_empty,
    text_or_none,
)


def parse(raw: bytes, *, max_values: int = MAX_VALUES) -> ModelRequest:
    """Return the chat request in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid chat request; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    if body.get("messages") is None and body.get("prompt") is None:
        raise GatewayError("missing_field", "`messages` is required.", param="messages")
    messages = list_or_empty(body.get("messages"))
    check_messages(messages)
    fields = members.without(OWN)
    response_format = object_or_empty(body.get("response_format"))
    wants_json = response_format.get("type") in ("json_object", "json_schema")
    choices = max([1, *integers_of(body, "n")])
    requirements = requirements_of(body, fields.text, members.long)
    is_plain = not wants_json and choices == 1 and not requirements.outputs
    return ModelRequest(
        model=text_or_none(body.get("model")),
        models=models_of(body),
        stream=body.get("stream") is True,
        fields=fields,
        max_tokens=max(integers_of(body, "max_completion_tokens", "max_tokens"), default=None),
        choices=choices,
        wants_json=wants_json,
        json_root=json_root_of(response_format) if wants_json else None,
        openai_usage=object_or_empty(body.get("stream_options")).get("include_usage") is True,
        is_text_only=is_plain and not any(map(body.get, NOT_TEXT)),
        openrouters_own=not OPENROUTERS_OWN.isdisjoint(body),
        session=text_or_none(fields.value("session_id")),
        prompt_cache_key=text_or_none(fields.value("prompt_cache_key")),
        user=text_or_none(fields.value("user")),
        requirements=requirements,
        options=options_of(body),
        signed=signed_parts_in(messages, members, SIGNED),
    )
