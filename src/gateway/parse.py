"""parse: from a request's bytes to a checked ``ChatRequest``, by declared rules."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

from gateway.chat import ChatRequest, Options
from gateway.config import HOUR_MS
from gateway.errors import GatewayError
from gateway.json_bytes import to_json_bytes
from gateway.wire import Json, JsonObject, number_or_none, object_or_empty

MAX_MODELS = 50  # a request may make 50 subrequests on the free plan
# Printable ASCII: a model's name travels in headers too.
_MODEL_NAME = re.compile(r"[!-~]{1,256}")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field must be; ``null`` counts as absent."""

    test: Callable[[Json], bool]
    expected: str


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _between(minimum: int, maximum: int) -> FieldRule:
    return FieldRule(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum,
        f"a whole number from {minimum} to {maximum}",
    )


_NUMBER = FieldRule(_is_number, "a number")
_WHOLE = FieldRule(_is_whole, "a whole number")
_FLAG = FieldRule(lambda value: isinstance(value, bool), "true or false")
_TEXT = FieldRule(lambda value: isinstance(value, str), "a string")
_LIST = FieldRule(lambda value: isinstance(value, list), "an array")
_OBJECT = FieldRule(lambda value: isinstance(value, dict), "an object")
_MODEL = FieldRule(
    lambda value: isinstance(value, str) and bool(_MODEL_NAME.fullmatch(value)),
    "a model's name: printable ASCII without spaces, at most 256 characters",
)

# What the gateway reads, and what every provider agrees on. All else goes upstream as it came.
FIELDS: Mapping[str, FieldRule] = MappingProxyType(
    {
        "model": _MODEL,
        "models": FieldRule(
            lambda value: isinstance(value, list) and 1 <= len(value) <= MAX_MODELS,
            f"an array of 1 to {MAX_MODELS} models' names",
        ),
        "messages": FieldRule(lambda value: isinstance(value, list) and bool(value), "a non-empty array"),
        "prompt": _TEXT,
        "stream": _FLAG,
        "gateway": _OBJECT,
        "temperature": _NUMBER,
        "top_p": _NUMBER,
        "frequency_penalty": _NUMBER,
        "presence_penalty": _NUMBER,
        "max_tokens": _WHOLE,
        "max_completion_tokens": _WHOLE,
        "tools": _LIST,
        "response_format": _OBJECT,
        "provider": _OBJECT,
    }
)

OPTIONS: Mapping[str, FieldRule] = MappingProxyType(
    {
        "deadline_ms": _between(1, HOUR_MS),
        "attempt_ms": _between(1, HOUR_MS),
        "first_token_ms": _between(1, HOUR_MS),
        "idle_ms": _between(1, HOUR_MS),
        "retries": _between(0, 10),
        "fallbacks": _FLAG,
        "errors": FieldRule(lambda value: value in ("last", "all"), '"last" or "all"'),
        "on_midstream": FieldRule(
            lambda value: value in ("error", "restart", "continue"), '"error", "restart" or "continue"'
        ),
        "hedge_ms": _between(1, HOUR_MS),
        "keepalive_ms": _between(100, HOUR_MS),
        "max_cost_usd": FieldRule(lambda value: (number_or_none(value) or 0) > 0, "a number above 0"),
        "strict": _FLAG,
        "check_json": _FLAG,
        "allow_reasoning_only": _FLAG,
    }
)

# Fields by which other gateways let a caller send the key elsewhere.
REFUSED = ("api_key", "api_base", "base_url")
# The gateway's own: they do not go upstream.
OWN = ("model", "models", "gateway")
# With one of these the answer may be more than text.
NOT_TEXT = ("tools", "functions", "modalities", "prompt", "n")


def parse(raw: bytes) -> ChatRequest:
    """Return the chat request that a body holds.

    Raises:
        GatewayError: the body is not one; ``param`` names the field.
    """
    body = _load(raw)
    for name in REFUSED:
        if name in body:
            raise GatewayError("refused_field", f"`{name}` is not for callers to choose.", param=name)
    _check(body, FIELDS)
    if body.get("messages") is None and body.get("prompt") is None:
        raise GatewayError("missing_field", "`messages` is required.", param="messages")
    _check_messages(body.get("messages"))
    return ChatRequest(
        models=_models(body),
        stream=body.get("stream") is True,
        fields=_serialise({name: value for name, value in body.items() if name not in OWN}),
        wants_json=_wants_json(body),
        openai_usage=object_or_empty(body.get("stream_options")).get("include_usage") is True,
        is_text=not _wants_json(body) and not any(body.get(name) for name in NOT_TEXT),
        options=_options(object_or_empty(body.get("gateway"))),
    )


def _load(raw: bytes) -> JsonObject:
    try:
        body: Json = json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise GatewayError(
            "invalid_json", "The body is not JSON in UTF-8, or is nested too deeply."
        ) from None
    if not isinstance(body, dict):
        raise GatewayError("invalid_body", "The body must be a JSON object.")
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(fields: JsonObject, rules: Mapping[str, FieldRule], prefix: str = "") -> None:
    for name, rule in rules.items():
        value = fields.get(name)
        if value is not None and not rule.test(value):
            raise _wrong(prefix + name, rule)


def _wrong(param: str, rule: FieldRule) -> GatewayError:
    return GatewayError("invalid_field", f"`{param}` must be {rule.expected}.", param=param)


def _check_messages(messages: Json) -> None:
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(message, dict):
            raise _wrong(f"messages[{index}]", _OBJECT)
        if not isinstance(message.get("role"), str):
            raise _wrong(f"messages[{index}].role", _TEXT)


def _wants_json(body: JsonObject) -> bool:
    return object_or_empty(body.get("response_format")).get("type") in ("json_object", "json_schema")


def _models(body: JsonObject) -> tuple[str, ...]:
    named: dict[str, None] = {}  # in order, each once
    first, rest = body.get("model"), body.get("models")
    if isinstance(first, str):
        named[first] = None
    for index, model in enumerate(rest if isinstance(rest, list) else ()):
        if not isinstance(model, str) or not _MODEL.test(model):
            raise _wrong(f"models[{index}]", _MODEL)
        named[model] = None
    return tuple(named)


def _options(fields: JsonObject) -> Options:
    unknown = [name for name in fields if name not in OPTIONS]
    if unknown:
        # Only a name that looks like one is repeated: a caller's text does not belong in an error.
        name = unknown[0] if re.fullmatch(r"\w{1,64}", unknown[0]) else "…"
        known = ", ".join(OPTIONS)
        raise GatewayError(
            "unknown_option",
            f"`gateway.{name}` is not an option. There are: {known}.",
            param=f"gateway.{name}",
        )
    _check(fields, OPTIONS, "gateway.")
    return Options(**{name: value for name, value in fields.items() if value is not None})  # type: ignore[arg-type]  # OPTIONS has checked each


def _serialise(fields: JsonObject) -> bytes:
    """Return the object's inside and its closing brace: what follows ``{"model":"…",``."""
    try:
        return to_json_bytes(fields)[1:]
    except (ValueError, RecursionError):
        raise GatewayError(
            "invalid_json", "The body holds a number that JSON cannot carry, or is nested too deeply."
        ) from None
