"""What the fields of a chat request must be, as a table. What it does not name goes upstream as it came."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.casts import HOUR_MS, is_model_name
from gateway.frozen import dataclass
from gateway.wire import Json, JsonObject, number_or_none

MAX_MODELS = 50  # a request may make 50 subrequests on the free plan
MAX_MESSAGES = 10_000
DAY_S = 86_400
BILLION = 1_000_000_000  # what is reckoned with must stay a number that a bill could hold
FIELD_NAME = re.compile(r"\w{1,64}")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a field must be; ``null`` counts as absent.

    Attributes:
        expected: the rule in words, for the error.
        schema: the rule in JSON Schema, for the OpenAPI document.
    """

    test: Callable[[Json], bool]
    expected: str
    schema: JsonObject


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _between(minimum: int, maximum: int) -> FieldRule:
    return FieldRule(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum,
        f"a whole number from {minimum} to {maximum}",
        {"type": ["integer", "null"], "minimum": minimum, "maximum": maximum},
    )


def _list(minimum: int, maximum: int, what: str, items: JsonObject) -> FieldRule:
    return FieldRule(
        lambda value: isinstance(value, list) and minimum <= len(value) <= maximum,
        f"an array of {minimum} to {maximum} {what}",
        {"type": ["array", "null"], "minItems": minimum, "maxItems": maximum, "items": items},
    )


def _one_of(*words: str) -> FieldRule:
    expected = " or ".join(f'"{word}"' for word in words)
    return FieldRule(lambda value: value in words, expected, {"enum": [*words, None]})


def _of(kinds: tuple[type, ...], expected: str, *names: str) -> FieldRule:
    return FieldRule(lambda value: isinstance(value, kinds), expected, {"type": [*names, "null"]})


NUMBER = FieldRule(_is_number, "a number", {"type": ["number", "null"]})
WHOLE = FieldRule(_is_whole, "a whole number", {"type": ["integer", "null"]})
COUNT = FieldRule(
    lambda value: _is_whole(value) and -BILLION < value < BILLION,  # type: ignore[operator]  # it is an int
    "a whole number of at most nine digits",
    {"type": ["integer", "null"], "exclusiveMinimum": -BILLION, "exclusiveMaximum": BILLION},
)
FLAG = _of((bool,), "true or false", "boolean")
TEXT = _of((str,), "a string", "string")
LIST = _of((list,), "an array", "array")
OBJECT = _of((dict,), "an object", "object")
TEXT_OR_LIST = _of((str, list), "a string or an array", "string", "array")
TEXT_OR_OBJECT = _of((str, dict), "a string or an object", "string", "object")
MODEL = FieldRule(
    lambda value: isinstance(value, str) and is_model_name(value),
    "a model's name: printable ASCII without spaces, at most 256 characters",
    {"type": ["string", "null"], "pattern": "^[!-~]{1,256}$"},
)
ABOVE_ZERO = FieldRule(
    lambda value: (number_or_none(value) or 0) > 0,
    "a number above 0",
    {"type": ["number", "null"], "exclusiveMinimum": 0},
)
WEIGHTS = FieldRule(
    lambda value: (
        isinstance(value, dict)
        and all((number := number_or_none(each)) is not None and number >= 0 for each in value.values())
    ),
    "an object from models to numbers, 0 or more",
    {"type": ["object", "null"], "additionalProperties": {"type": "number", "minimum": 0}},
)
MODEL_ITEM: JsonObject = {"type": "string", "pattern": "^[!-~]{1,256}$"}
MESSAGE_ITEM: JsonObject = {
    "type": "object",
    "required": ["role"],
    "properties": {"role": {"type": "string"}},
}

# Types that no provider reads otherwise; ranges are left to the models, which differ.
# Source: OpenRouter API reference, "Create a chat completion".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": _list(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "messages": _list(1, MAX_MESSAGES, "messages", MESSAGE_ITEM),
    "prompt": TEXT,
    "stream": FLAG,
    "stream_options": OBJECT,
    "gateway": OBJECT,
    "temperature": NUMBER,
    "top_p": NUMBER,
    "top_k": NUMBER,
    "top_a": NUMBER,
    "min_p": NUMBER,
    "frequency_penalty": NUMBER,
    "presence_penalty": NUMBER,
    "repetition_penalty": NUMBER,
    "seed": WHOLE,
    "n": COUNT,
    "max_tokens": COUNT,
    "max_completion_tokens": COUNT,
    "logprobs": FLAG,
    "top_logprobs": WHOLE,
    "logit_bias": OBJECT,
    "stop": TEXT_OR_LIST,
    "tools": LIST,
    "tool_choice": TEXT_OR_OBJECT,
    "parallel_tool_calls": FLAG,
    "response_format": OBJECT,
    "reasoning": OBJECT,
    "provider": OBJECT,
    "plugins": LIST,
    "transforms": LIST,
    "modalities": LIST,
    "metadata": OBJECT,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line

# What a caller may ask of the gateway itself.
OPTIONS: Mapping[str, FieldRule] = MappingProxyType({
    "deadline_ms": _between(1, HOUR_MS),
    "attempt_ms": _between(1, HOUR_MS),
    "first_token_ms": _between(1, HOUR_MS),
    "idle_ms": _between(1, HOUR_MS),
    "retries": _between(0, 10),
    "fallbacks": FLAG,
    "errors": _one_of("last", "all"),
    "on_midstream": _one_of("error", "restart", "continue"),
    "hedge_ms": _between(1, HOUR_MS),
    "keepalive_ms": _between(100, HOUR_MS),
    "max_cost_usd": ABOVE_ZERO,
    "strict": FLAG,
    "check_json": FLAG,
    "allow_reasoning_only": FLAG,
    "cache_ttl_s": _between(1, DAY_S),
    "order": _one_of("given", "cheapest", "fastest", "weighted", "sticky"),
    "weights": WEIGHTS,
})  # fmt: skip  # one option a line

# Fields by which other gateways let a caller send the key elsewhere, or put words into our headers.
REFUSED = frozenset({"api_key", "api_base", "base_url", "headers", "extra_headers"})
# The gateway's own: they do not go upstream.
OWN = frozenset({"model", "models", "gateway"})
# With one of these a body is serialised again: what they hold is not told from the rest by its text alone.
SERIALISED = OWN - {"model"}
# What means something to OpenRouter alone: other upstreams refuse fields that they do not know.
# Source: OpenRouter API reference; its SDKs' ChatRequest.
OPENROUTERS_OWN = frozenset(
    {
        "provider",
        "plugins",
        "transforms",
        "route",
        "preset",
        "session_id",
        "trace",
        "usage",
        "debug",
        "include_reasoning",
        "reasoning",
        "image_config",
        "cache_control",
        "deferred_tools",
        "stop_server_tools_when",
        "fallbacks",
    }
)
# With one of these the answer may be more than a message's text.
NOT_TEXT = ("tools", "functions", "prompt")
