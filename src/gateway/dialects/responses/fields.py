"""Defines the type of each checked field of a Responses request. Fields not listed go upstream unchanged."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MODELS
from gateway.settings.field_rule import (
    BILLION,
    FLAG,
    LIST,
    MODEL,
    MODEL_ITEM,
    NUMBER,
    OBJECT,
    TEXT,
    TEXT_OR_LIST,
    TEXT_OR_OBJECT,
    FieldRule,
    between,
    list_of,
)

# A type is checked only if all providers agree on it. Ranges are left to the models, which differ.
# Sources: OpenAI API reference, "Create a model response"; OpenRouter API reference, "Create a response".
FIELDS: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
    "input": TEXT_OR_LIST,
    "stream": FLAG,
    "gateway": OBJECT,
    "instructions": TEXT_OR_LIST,
    "max_output_tokens": between(1, BILLION - 1),
    "temperature": NUMBER,
    "top_p": NUMBER,
    "tools": LIST,
    "tool_choice": TEXT_OR_OBJECT,
    "parallel_tool_calls": FLAG,
    "text": OBJECT,
    "reasoning": OBJECT,
    "include": LIST,
    "metadata": OBJECT,
    "provider": OBJECT,
    "plugins": LIST,
    "prompt_cache_key": TEXT,
    "session_id": TEXT,
    "user": TEXT,
})  # fmt: skip  # one field a line


# Fields that need answers to be stored, and the values with which they need nothing.
# Source: OpenRouter "Responses API": it is stateless.
STORED: Mapping[str, tuple[object, str]] = MappingProxyType({
    "previous_response_id": (None, "Send the whole conversation in `input`."),
    "conversation": (None, "Send the whole conversation in `input`."),
    "store": (False, "Leave `store` out, or set it to false."),
    "background": (False, "Leave `background` out, and read the answer, plain or as a stream."),
})  # fmt: skip  # one field a line
