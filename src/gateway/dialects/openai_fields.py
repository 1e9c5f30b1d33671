"""The fields that chat and completions have in common, and which of them only OpenRouter understands."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.body import MAX_MODELS
from gateway.dialects.direct_members import OPENROUTERS_FIELDS
from gateway.settings.field_rule import (
    COUNT,
    FLAG,
    LIST,
    MODEL,
    MODEL_ITEM,
    NUMBER,
    OBJECT,
    TEXT,
    TEXT_OR_LIST,
    WHOLE,
    FieldRule,
    list_of,
)

# A type is checked only if all providers agree on it. Ranges are left to the models, which differ.
# Source: OpenRouter API reference, "Create a chat completion".
COMMON: Mapping[str, FieldRule] = MappingProxyType({
    "model": MODEL,
    "models": list_of(1, MAX_MODELS, "models' names", MODEL_ITEM),
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
    "logit_bias": OBJECT,
    "stop": TEXT_OR_LIST,
    "reasoning": OBJECT,
    "provider": OBJECT,
    "plugins": LIST,
    "transforms": LIST,
    "metadata": OBJECT,
    "user": TEXT,
    "session_id": TEXT,
})  # fmt: skip  # one field a line

# Fields of these two that only OpenRouter understands, beside those of every wire format.
# Source: OpenRouter API reference; its SDKs' ModelRequest.
OPENROUTERS_OWN = OPENROUTERS_FIELDS | {
    "transforms",
    "usage",
    "include_reasoning",
    "reasoning",
    "image_config",
    "cache_control",
    "deferred_tools",
}
