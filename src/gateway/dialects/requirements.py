"""Defines what a model must support to serve a request, and what affects its cost."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.dialects.prompt_tokens import TokenEstimate
from gateway.http.frozen import dataclass
from gateway.settings.price import Price

JsonRequirement: TypeAlias = Literal["json_object", "json_schema"]


# The kind of JSON for each type of format.
JSON_KINDS: Mapping[str, JsonRequirement] = MappingProxyType(
    {"json_object": "json_object", "json_schema": "json_schema"}
)

# For each field of a request, the names under which a model's `supported_parameters` may list it.
# Source: OpenRouter API reference, "Parameters".
PARAMETERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **{
            name: frozenset({name})
            for name in (
                "temperature",
                "top_p",
                "top_k",
                "top_a",
                "min_p",
                "frequency_penalty",
                "presence_penalty",
                "repetition_penalty",
                "seed",
                "logit_bias",
                "logprobs",
                "top_logprobs",
                "stop",
                "tools",
                "tool_choice",
                "parallel_tool_calls",
                "response_format",
                "verbosity",
            )
        },
        "max_tokens": frozenset({"max_tokens", "max_completion_tokens"}),
        "max_completion_tokens": frozenset({"max_tokens", "max_completion_tokens"}),
        "reasoning": frozenset({"reasoning"}),
        "reasoning_effort": frozenset({"reasoning", "reasoning_effort"}),
    }
)


# Plugins without a fee. Others search, read or route, at a cost that the price per token does not include.
# Source: OpenRouter "Plugins".
FREE_PLUGINS = frozenset({"response-healing", "context-compression", "moderation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a model must support to serve one request, and what affects the request's cost.

    Attributes:
        tokens: how many tokens the prompt has, as an estimate.
        tools: whether the model may have to call tools.
        inputs: the kinds of input other than text: image, audio, file, video.
        outputs: the kinds of output other than text that the request wants.
        json: the kind of JSON that the request wants; None for any text.
        parameters: the request's fields that the model must support, if the caller requires all of them
            (``provider.require_parameters``).
        max_price: the caller's own ceiling in ``provider.max_price``.
        has_fees: whether it may cost more than its tokens: a search, an image, a recording.
        extras: the plugins and server tools that it uses, by name; ``web`` for every form of web search,
            ``preset`` for a preset.
        prefers_endpoints: whether its tokens may cost more than the list price: by a service tier, or because
            ``provider`` chooses among the model's endpoints.
        preferences: a digest of the fields that choose among the model's endpoints; empty if none does. A
            fault that such a request meets says nothing about the model's other endpoints.
        writes_cache: whether it requests prompt caching, with which a prompt costs up to twice as much.
        shrinks: whether OpenRouter shortens the prompt to the model's context.
        is_in_parts: whether the model reads the prompt in parts, so that its context limits each alone.
        reasoning: whether the request turns the model's reasoning on or off; None if it does not say.
        hides_reasoning: whether the reasoning is withheld, so that the stream is silent meanwhile.
    """

    tokens: TokenEstimate
    tools: bool = False
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    json: JsonRequirement | None = None
    parameters: tuple[str, ...] = ()
    max_price: Price | None = None
    has_fees: bool = False
    prefers_endpoints: bool = False
    extras: frozenset[str] = frozenset()
    preferences: str = ""
    writes_cache: bool = False
    shrinks: bool = False
    is_in_parts: bool = False
    reasoning: bool | None = None
    hides_reasoning: bool = False
