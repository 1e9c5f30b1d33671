"""Reads the body of a request: its JSON, the types of its fields, models, and the gateway's options."""

import json
import re
from collections.abc import Callable, Mapping

from gateway.http.errors import GatewayError
from gateway.http.json_bytes import (
    MAX_DEPTH,
    NamedTwiceError,
    TooDeepError,
    TooManyValuesError,
    check_size,
    distinct_object,
    finite,
    refuse_constant,
)
from gateway.http.json_members import Members, NoObjectError, read_members
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, whole_or_none
from gateway.http.long_strings import LongStrings
from gateway.http.sse import BOM
from gateway.settings.field_rule import MODEL, OBJECT, TEXT, FieldRule
from gateway.settings.options import OPTIONS, Options

MAX_MODELS = 50  # a request may make 50 subrequests on the free plan
MAX_MESSAGES = 10_000
# The gateway's own fields. They do not go upstream.
OWN = frozenset({"model", "models", "gateway"})
FIELD_NAME = re.compile(r"\w{1,64}", re.ASCII)
# Fields by which other gateways let a caller send the key to another host, or set headers upstream.
REFUSED = frozenset({"api_key", "api_base", "base_url", "headers", "extra_headers"})


def read_body(
    raw: bytes,
    rules: Mapping[str, FieldRule],
    *,
    max_values: int,
    shorten: Callable[[bytes], tuple[bytes, LongStrings]] | None = None,
) -> tuple[JsonObject, Members]:
    """Return the fields of a body: their values, checked by ``rules``, and their text.

    ``shorten`` leaves other values out than long strings; the limit does not count them.

    Raises:
        GatewayError: the body is no JSON object, is too large, or has a field that is wrong or refused.
    """
    body, members = _load(raw, max_values, shorten)
    if not REFUSED.isdisjoint(body):
        name = next(name for name in body if name in REFUSED)
        raise GatewayError("refused_field", f"A caller cannot set `{name}`.", param=name)
    _check(body, rules)
    return body, members


def _load(
    raw: bytes, max_values: int, shorten: Callable[[bytes], tuple[bytes, LongStrings]] | None
) -> tuple[JsonObject, Members]:
    raw = raw.removeprefix(BOM)  # Source: RFC 8259, section 8.1: a parser may ignore it
    if not raw or raw.isspace():
        raise GatewayError("invalid_json", "The body is empty.")
    try:
        shortened = shorten(raw) if shorten else None
        check_size(shortened[0] if shortened else raw, max_values=max_values)
        return read_members(raw, _DISTINCT, shortened)
    except NoObjectError:
        raise GatewayError("invalid_body", "The body must be a JSON object, which begins with {.") from None
    except TooManyValuesError:
        raise GatewayError(
            "body_too_large",
            f"The body holds {max_values} values or more (MAX_BODY_VALUES): commas and opening brackets.",
            param="body",
        ) from None
    except NamedTwiceError as error:
        raise _named_twice(error) from None
    except (TooDeepError, RecursionError):
        message = (
            f"The body is nested too deeply. At most {MAX_DEPTH} levels of objects and arrays are allowed."
        )
        raise GatewayError("invalid_json", message) from None
    except ValueError:
        from gateway.http.json_problem import problem_in  # noqa: PLC0415  # few bodies are not JSON

        raise GatewayError("invalid_json", problem_in(raw)) from None


def _named_twice(error: NamedTwiceError) -> GatewayError:
    name = _shown(error.name)
    whose = "The body" if error.within is None else f"An object within `{_shown(error.within)}`"
    return GatewayError("invalid_json", f"{whose} names the field `{name}` twice.", param=name)


# Created once, because `json.loads` with options creates a new decoder for each call.
_DISTINCT = json.JSONDecoder(
    parse_constant=refuse_constant, parse_float=finite, object_pairs_hook=distinct_object
)


def _shown(name: str) -> str:
    """Return a name if it looks like a field's, else "…": errors must not repeat a caller's text."""
    return name if FIELD_NAME.fullmatch(name) else "…"


def _check(fields: JsonObject, rules: Mapping[str, FieldRule], prefix: str = "") -> None:
    for name, value in fields.items():
        rule = rules.get(name)
        if rule is not None and value is not None and not rule.test(value):
            raise wrong_field(prefix + name, rule)


def wrong_field(param: str, rule: FieldRule) -> GatewayError:
    """Return the error for a field that has the wrong type."""
    return GatewayError("invalid_field", f"`{param}` must be {rule.expected}.", param=param)


def check_messages(messages: list[Json]) -> None:
    """Check that each message is an object with a role.

    Raises:
        GatewayError: one is not; ``param`` names it.
    """
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise wrong_field(f"messages[{index}]", OBJECT)
        if not isinstance(message.get("role"), str):
            raise wrong_field(f"messages[{index}].role", TEXT)


def integers_of(body: JsonObject, *names: str) -> list[int]:
    """Return the named fields that are set. The body's rules ensure that they are whole numbers."""
    return [value for name in names if (value := whole_or_none(body.get(name))) is not None]


def models_of(body: JsonObject) -> tuple[str, ...]:
    """Return the names in ``model`` and ``models``, in order and without duplicates.

    Raises:
        GatewayError: one of ``models`` is no name.
    """
    names: dict[str, None] = {}  # in order, without duplicates
    first = body.get("model")
    if isinstance(first, str):
        names[first] = None
    for index, model in enumerate(list_or_empty(body.get("models"))):
        if not isinstance(model, str) or not MODEL.test(model):
            raise wrong_field(f"models[{index}]", MODEL)
        names[model] = None
    return tuple(names)


_NO_OPTIONS = Options()


def options_of(body: JsonObject) -> Options:
    """Return the options in the body's ``gateway`` object.

    Raises:
        GatewayError: one is unknown, or has a wrong value.
    """
    if "gateway" not in body:
        return _NO_OPTIONS
    fields = object_or_empty(body["gateway"])
    unknown = [name for name in fields if name not in OPTIONS]
    if unknown:
        name = _shown(unknown[0])
        options = ", ".join(OPTIONS)
        raise GatewayError(
            "unknown_option",
            f"`gateway.{name}` is not an option. The options are: {options}.",
            param=f"gateway.{name}",
        )
    _check(fields, OPTIONS, "gateway.")
    given = {name: OPTIONS[name].read(value) for name, value in fields.items() if value is not None}
    return Options(**given, asked=frozenset(given))  # type: ignore[arg-type]  # checked by OPTIONS
