"""Parses the body of a chat request into a ``ChatRequest``, and checks it by the rules in ``fields``."""

import json
from collections.abc import Mapping

from gateway.dialects.chat.fields import (
    FIELD_NAME,
    FIELDS,
    NOT_TEXT,
    OPENROUTERS_OWN,
    OWN,
    REFUSED,
)
from gateway.dialects.chat.json_answer import json_root_of
from gateway.dialects.chat.request import ChatRequest
from gateway.dialects.chat.requirements import requirements_of
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import (
    MAX_DEPTH,
    MAX_VALUES,
    NamedTwiceError,
    TooDeepError,
    TooManyValuesError,
    check_size,
    distinct_object,
    finite,
    refuse_constant,
)
from gateway.http.json_members import Members, NoObjectError, read_members
from gateway.http.json_values import (
    Json,
    JsonObject,
    list_or_empty,
    object_or_empty,
    text_or_none,
    whole_or_none,
)
from gateway.http.sse import BOM
from gateway.settings.field_rule import MODEL, OBJECT, TEXT, FieldRule
from gateway.settings.options import OPTIONS, Options


def parse(raw: bytes, *, max_values: int = MAX_VALUES) -> ChatRequest:
    """Return the chat request in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid chat request; ``param`` names the field.
    """
    body, members = _load(raw, max_values)
    if not REFUSED.isdisjoint(body):
        name = next(name for name in body if name in REFUSED)
        raise GatewayError("refused_field", f"A caller cannot set `{name}`.", param=name)
    _check(body, FIELDS)
    if body.get("messages") is None and body.get("prompt") is None:
        raise GatewayError("missing_field", "`messages` is required.", param="messages")
    _check_messages(list_or_empty(body.get("messages")))
    fields = members.without(OWN)
    response_format = object_or_empty(body.get("response_format"))
    wants_json = response_format.get("type") in ("json_object", "json_schema")
    choices = max([1, *_integers_of(body, "n")])
    requirements = requirements_of(body, fields.text, members.long)
    is_plain = not wants_json and choices == 1 and not requirements.outputs
    return ChatRequest(
        model=text_or_none(body.get("model")),
        models=_models(body),
        stream=body.get("stream") is True,
        fields=fields,
        max_tokens=max(_integers_of(body, "max_completion_tokens", "max_tokens"), default=None),
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
        options=_options(object_or_empty(body.get("gateway"))) if "gateway" in body else _NO_OPTIONS,
    )


def _load(raw: bytes, max_values: int) -> tuple[JsonObject, Members]:
    raw = raw.removeprefix(BOM)  # Source: RFC 8259, section 8.1: a parser may ignore it
    if not raw or raw.isspace():
        raise GatewayError("invalid_json", "The body is empty.")
    try:
        check_size(raw, max_values=max_values)
        return read_members(raw, _DISTINCT)
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
            raise _wrong(prefix + name, rule)


def _wrong(param: str, rule: FieldRule) -> GatewayError:
    return GatewayError("invalid_field", f"`{param}` must be {rule.expected}.", param=param)


def _check_messages(messages: list[Json]) -> None:
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise _wrong(f"messages[{index}]", OBJECT)
        if not isinstance(message.get("role"), str):
            raise _wrong(f"messages[{index}].role", TEXT)


def _integers_of(body: JsonObject, *names: str) -> list[int]:
    """Return the values of the named fields that are set. ``_check`` ensures that they are whole numbers."""
    return [value for name in names if (value := whole_or_none(body.get(name))) is not None]


def _models(body: JsonObject) -> tuple[str, ...]:
    names: dict[str, None] = {}  # in order, without duplicates
    first = body.get("model")
    if isinstance(first, str):
        names[first] = None
    for index, model in enumerate(list_or_empty(body.get("models"))):
        if not isinstance(model, str) or not MODEL.test(model):
            raise _wrong(f"models[{index}]", MODEL)
        names[model] = None
    return tuple(names)


_NO_OPTIONS = Options()


def _options(fields: JsonObject) -> Options:
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
