"""A value of any JSON type, at any place of a Messages request, is taken or refused by name."""

import json
from collections.abc import Iterator

import pytest

from gateway.dialects.messages.fields import FIELDS
from gateway.dialects.messages.parse import parse
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject

VALUES: tuple[Json, ...] = (None, True, 1, 1.5, "x", [], ["a"], [[]], {}, {"a": []})
ALL_FIELDS = (*FIELDS, "output_format", "mcp_servers", "safeguards", "cache_control", "service_tier")
# The members that the gateway reads of each field.
MEMBERS = {
    "thinking": ("type", "display"),
    "tool_choice": ("type",),
    "metadata": ("user_id",),
    "output_config": ("format",),
    "output_format": ("type", "schema"),
    "provider": ("order", "only", "sort", "max_price", "require_parameters"),
    "cache_control": ("type", "ttl"),
}
LISTS = {
    "tools": ("type", "name", "input_schema", "cache_control"),
    "plugins": ("id", "max_price"),
    "system": ("type", "text", "cache_control"),
    "mcp_servers": ("type",),
    "safeguards": ("type",),
}
BLOCKS = ("image", "document", "text", "thinking", "redacted_thinking", "tool_use", "tool_result")
OF_BLOCK = ("source", "content", "signature", "data", "text", "input", "cache_control")
OF_SOURCE = ("type", "data", "media_type", "content", "url", "file_id")


def bodies_with(value: Json) -> Iterator[JsonObject]:
    """Yield what a request may have beside its model and its token limit, with this value somewhere."""
    for field in ALL_FIELDS:
        yield {field: value}
    for field, names in MEMBERS.items():
        for name in names:
            yield {field: {name: value}}
    for field, names in LISTS.items():
        for name in names:
            yield {field: [{name: value}]}
    yield {"output_config": {"format": {"type": "json_schema", "schema": value}}}
    yield {"output_config": {"format": {"type": "json_schema", "schema": {"type": value}}}}
    for block in blocks_with(value):
        yield {"messages": [{"role": "assistant", "content": [block]}]}
        yield {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [block]}]}]}


def blocks_with(value: Json) -> Iterator[Json]:
    """Yield content blocks with this value somewhere."""
    yield value
    yield {"type": value}
    for kind in BLOCKS:
        for name in OF_BLOCK:
            yield {"type": kind, name: value}
        for name in OF_SOURCE:
            yield {"type": kind, "source": {name: value}}
    for name in ("type", "ttl"):
        yield {"type": "text", "text": "x", "cache_control": {name: value}}


def refused_field(fields: JsonObject) -> str | None:
    """Return the field for which a request with these fields is refused; None if it is taken."""
    body = {"model": "a/one", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], **fields}
    try:
        parse(json.dumps(body).encode())
    except GatewayError as error:
        return error.param or "none"
    return None


@pytest.mark.parametrize("value", VALUES, ids=json.dumps)
def test_a_value_of_any_type_is_taken_or_refused_by_name(value: Json) -> None:
    for fields in bodies_with(value):
        refused = refused_field(fields)
        assert refused is None or refused.startswith(next(iter(fields))), fields
