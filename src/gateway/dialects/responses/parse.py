"""Parses the body of a Responses request into a ``ModelRequest``, and checks it by ``fields``."""

from gateway.dialects.body import (
    MAX_MESSAGES,
    OWN,
    integers_of,
    models_of,
    options_of,
    read_body,
    wrong_field,
)
from gateway.dialects.json_text import root_of_schema
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.responses.fields import FIELDS, STORED
from gateway.dialects.responses.requirements import json_kind_of, requirements_of
from gateway.dialects.responses.signed_items import SIGNED
from gateway.dialects.signed_parts import signed_parts_in
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import MAX_VALUES
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, text_or_none
from gateway.settings.field_rule import OBJECT


def parse(raw: bytes, *, max_values: int = MAX_VALUES) -> ModelRequest:
    """Return the Responses request in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid Responses request; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    _check_storage(body)
    if body.get("input") is None:
        raise GatewayError("missing_field", "`input` is required.", param="input")
    items = list_or_empty(body["input"])
    _check_items(body["input"], items)
    fields = members.without(OWN)
    kind = json_kind_of(body)
    schema = object_or_empty(object_or_empty(body.get("text")).get("format")).get("schema")
    return ModelRequest(
        model=text_or_none(body.get("model")),
        models=models_of(body),
        stream=body.get("stream") is True,
        fields=fields,
        max_tokens=max(integers_of(body, "max_output_tokens"), default=None),
        wants_json=kind is not None,
        json_root="object" if kind == "json_object" else root_of_schema(schema),
        is_text_only=kind is None and not body.get("tools"),
        session=text_or_none(fields.value("session_id")),
        prompt_cache_key=text_or_none(fields.value("prompt_cache_key")),
        user=text_or_none(fields.value("user")),
        requirements=requirements_of(body, fields.text, members.long),
        options=options_of(body),
        signed=signed_parts_in(items, members, SIGNED),
    )


def _check_storage(body: JsonObject) -> None:
    """Refuse what needs a stored answer, before OpenRouter does."""
    for name, (harmless, advice) in STORED.items():
        if body.get(name) not in (None, harmless):
            message = f"OpenRouter stores no answers, so `{name}` cannot be served. {advice}"
            raise GatewayError("invalid_field", message, param=name)


def _check_items(value: Json, items: list[Json]) -> None:
    if not value:
        raise GatewayError("invalid_field", "`input` is empty.", param="input")
    if len(items) > MAX_MESSAGES:
        raise GatewayError("invalid_field", f"`input` must have at most {MAX_MESSAGES} items.", param="input")
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise wrong_field(f"input[{index}]", OBJECT)
