"""Reads the bodies of the requests that manage keys. The rules are those of ``GATEWAY_KEYS``."""

from collections.abc import Collection
from typing import Any

from gateway.access.key_table import MAX_VALID_S
from gateway.dialects.body import FIELD_NAME
from gateway.dialects.body import read_body as read_json_object
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject, whole_or_none
from gateway.pipeline.call import Call
from gateway.pipeline.read_request import read_body
from gateway.settings.key_fields import FIELDS, KeyFieldError, as_key_name, read_fields

# The path of `POST /v1/keys/lend` would be that of a key with this name.
LEND = "lend"
MAX_BYTES = 8_192
DEFAULT_VALID_S = 3_600


async def key_to_make(call: Call) -> tuple[str, JsonObject]:
    """Return the name of a new key, and its fields that are set.

    Raises:
        GatewayError: the body is no JSON object, or a field of it is missing, unknown or wrong.
    """
    body = await fields_of(call, ("name", *FIELDS))
    name = body.pop("name", None)
    if name is None:
        raise GatewayError("missing_field", "A key needs a `name`.", param="name")
    try:
        wanted = as_key_name(name)
    except ValueError as error:
        raise _wrong("name", str(error)) from None
    if wanted == LEND:
        raise _wrong("name", f"must not be `{LEND}`, which is a path of its own")
    read_key_fields(body)
    return wanted, {field: value for field, value in body.items() if value is not None}


async def fields_to_change(call: Call) -> JsonObject:
    """Return the fields of a key that are to be changed, each with its new value; None: it is removed.

    Raises:
        GatewayError: the body is no JSON object, changes nothing, or a field of it is unknown or wrong.
    """
    body = await fields_of(call, tuple(FIELDS))
    if not body:
        raise GatewayError("missing_field", f"Send what to change: {', '.join(FIELDS)}.", param="body")
    read_key_fields(body)
    return body


async def old_token_valid_s(call: Call) -> int:
    """Return for how many seconds the token of today stays valid after a rotation; the body may be empty.

    Raises:
        GatewayError: the body is no JSON object, or a field of it is unknown or wrong.
    """
    value = (await fields_of(call, ("valid_for_s",), may_be_empty=True)).get("valid_for_s")
    return DEFAULT_VALID_S if value is None else whole_between("valid_for_s", value, 0, MAX_VALID_S)


def whole_between(name: str, value: Json, minimum: int, maximum: int) -> int:
    """Return a whole number; raise ``GatewayError`` if it is none, or not between the bounds."""
    number = whole_or_none(value)
    if number is None or not minimum <= number <= maximum:
        raise _wrong(name, f"must be a whole number from {minimum} to {maximum}")
    return number


async def fields_of(call: Call, known: Collection[str], *, may_be_empty: bool = False) -> JsonObject:
    """Return the fields of the body, which must all be known; their values are not checked.

    Raises:
        GatewayError: the body is no JSON object, is too large, or has an unknown field.
    """
    raw = await read_body(call)
    if may_be_empty and not raw.strip():
        return {}
    if len(raw) > MAX_BYTES:
        raise GatewayError("body_too_large", f"The body is larger than {MAX_BYTES} bytes.", param="body")
    body, _ = read_json_object(raw, {}, max_values=call.settings.max_body_values)
    for name in body:
        if name not in known:
            shown = name if FIELD_NAME.fullmatch(name) else "…"
            raise GatewayError(
                "unknown_option",
                f"`{shown}` cannot be set here. The fields are: {', '.join(known)}.",
                param=shown,
            )
    return body


def read_key_fields(fields: JsonObject) -> dict[str, Any]:
    """Return the attributes of a key that fields set; raise ``GatewayError`` if one is wrong."""
    try:
        return read_fields(fields)
    except KeyFieldError as error:
        raise _wrong(error.field, str(error)) from None


def _wrong(name: str, problem: str) -> GatewayError:
    return GatewayError("invalid_field", f"`{name}` is wrong: it {problem}.", param=name)
