"""Parses the body of a Messages request into a ``ModelRequest``, and checks it by the rules in ``fields``."""

from gateway.dialects.body import (
    check_messages,
    integers_of,
    models_of,
    options_of,
    read_body,
    wrong_field,
)
from gateway.dialects.json_text import root_of_schema
from gateway.dialects.messages.fields import FIELDS, NOT_TEXT, OWN_HERE
from gateway.dialects.messages.requirements import output_format_of, requirements_of
from gateway.dialects.messages.signed_thinking import SIGNED
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.signed_parts import signed_parts_in
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import MAX_VALUES
from gateway.http.json_members import Members
from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty, text_or_none
from gateway.settings.field_rule import MODEL, OBJECT


def parse(raw: bytes, *, max_values: int = MAX_VALUES) -> ModelRequest:
    """Return the Messages request in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid Messages request; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    if body.get("messages") is None:
        raise GatewayError("missing_field", "`messages` is required.", param="messages")
    messages = list_or_empty(body["messages"])
    check_messages(messages)
    fields = members.without(OWN_HERE)
    output_format = output_format_of(body)
    return ModelRequest(
        model=text_or_none(body.get("model")),
        models=_models_of(body),
        models_field="models" if body.get("fallbacks") is None else "fallbacks",
        stream=body.get("stream") is True,
        fields=fields,
        max_tokens=max(integers_of(body, "max_tokens"), default=None),
        choices=1,
        wants_json=output_format is not None,
        json_root=root_of_schema(output_format.get("schema")) if output_format else None,
        openai_usage=False,
        is_text_only=output_format is None and not any(map(body.get, NOT_TEXT)),
        session=text_or_none(fields.value("session_id")),
        prompt_cache_key=None,
        user=_user_of(fields),
        requirements=requirements_of(body, fields.text, members.long),
        options=options_of(body),
        signed=signed_parts_in(messages, members, SIGNED),
    )


def _user_of(fields: Members) -> str | None:
    """Return the end user's name: Anthropic's ``metadata.user_id``, else OpenRouter's ``user``."""
    metadata = object_or_empty(fields.value("metadata"))
    return text_or_none(metadata.get("user_id")) or text_or_none(fields.value("user"))


def _models_of(body: JsonObject) -> tuple[str, ...]:
    """Return the names in ``model``, ``models`` and ``fallbacks``, in order and without duplicates.

    Source: OpenRouter API reference, "Create a message": ``models`` or ``fallbacks``, and not both.

    Raises:
        GatewayError: one is no name, or an entry of ``fallbacks`` has more than a ``model``.
    """
    names = models_of(body)
    fallbacks = body.get("fallbacks")
    if fallbacks is None:
        return names
    if body.get("models") is not None:
        raise GatewayError("invalid_field", "Give `models` or `fallbacks`, not both.", param="fallbacks")
    found = dict.fromkeys(names)
    for index, each in enumerate(list_or_empty(fallbacks)):
        place = f"fallbacks[{index}]"
        if not isinstance(each, dict):
            raise wrong_field(place, OBJECT)
        model = each.get("model")
        if not isinstance(model, str) or not MODEL.test(model):
            raise wrong_field(f"{place}.model", MODEL)
        if len(each) > 1:
            raise GatewayError("invalid_field", f"`{place}` may have a `model` only.", param=place)
        found[model] = None
    return tuple(found)
