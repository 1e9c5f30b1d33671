"""Finds out what a chat request requires of a model: context length, modalities, tools, parameters, price."""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.dialects.chat.prompt_tokens import TokenEstimate, bytes_of, estimate, media_in
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, has_name, list_or_empty, object_or_empty
from gateway.http.long_strings import NONE, LongStrings
from gateway.settings.price import Price, as_price

JsonRequirement: TypeAlias = Literal["json_object", "json_schema"]

JSON_KINDS: Mapping[str, JsonRequirement] = MappingProxyType(
    {"json_object": "json_object", "json_schema": "json_schema"}
)
# The values of `modalities` that count. Others are ignored: a receipt must not repeat a caller's own words.
# Source: OpenRouter API reference, "Create a chat completion"; OpenRouter's model list has video, too.
MODALITIES = frozenset({"text", "image", "audio", "video"})
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
# A body without media and without these fields requires nothing but context for its tokens.
SAYING_MORE = frozenset(
    {
        "provider",
        "modalities",
        "tools",
        "response_format",
        "plugins",
        "transforms",
        "web_search_options",
        "preset",
        "service_tier",
    }
)
# Service tiers at the list price or below. Others (priority, fast, ultrafast, scale) cost more.
# Source: OpenRouter "Service Tiers".
LISTED_TIERS = frozenset({"auto", "default", "flex"})
# The name of a plugin or a tool that has no name.
OTHER = "?"
# The beginnings of escapes for ASCII letters and for the underscore of `cache_control`. No serializer
# writes them.
LETTER_ESCAPES = (b"\\u005", b"\\u006", b"\\u007")
# The kinds of tools that the caller runs itself. Others run at OpenRouter or a provider, for a fee.
CALLERS_TOOLS = frozenset({"function", "custom"})
# Fields of `provider` that do not exclude the model's cheapest endpoint, whose price is the list price.
# Source: OpenRouter "Provider Routing".
PRICE_NEUTRAL = frozenset({"allow_fallbacks", "max_price", "require_parameters"})
# Fields that choose among a model's endpoints, or add a service with limits of its own to the call.
# Source: OpenRouter "Provider Routing", "Service Tiers", "Presets", "Plugins".
CHOOSING = ("service_tier", "preset", "plugins", "web_search_options")
# The values of these fields that choose nothing: OpenRouter does the same without them.
CHOOSING_NOTHING: Mapping[str, tuple[Json, ...]] = MappingProxyType(
    {
        "allow_fallbacks": (None, True),
        "require_parameters": (None, False),
        "data_collection": (None, "allow"),
        "zdr": (None, False),
        "service_tier": (None, "auto", "default"),
        "web_search_options": (None,),  # an empty object turns the search on
    }
)


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
        reasoning: whether the request turns the model's reasoning on or off; None if it does not say.
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
    reasoning: bool | None = None


def requirements_of(body: JsonObject, text: bytes, long: LongStrings = NONE) -> Requirements:
    """Return what a checked body requires of a model.

    Args:
        body: the caller's body, parsed.
        text: the fields that go upstream, as JSON.
        long: what was left out of the body's long strings.
    """
    has_escapes = b"\\" in text and b"\\u" in text
    writes_cache = b'"cache_control"' in text or (has_escapes and _hides_cache(body, text))
    media = media_in(body, long)
    tokens = estimate(media, bytes_of(text) if has_escapes else len(text))
    if not media.kinds and SAYING_MORE.isdisjoint(body):  # most bodies
        return Requirements(tokens=tokens, writes_cache=writes_cache, reasoning=_reasoning(body))
    plugins = _words(list_or_empty(body.get("plugins")), "id")
    services = _words(list_or_empty(body.get("tools")), "type") - CALLERS_TOOLS
    provider = object_or_empty(body.get("provider"))
    is_required = provider.get("require_parameters") is True
    modalities = MODALITIES.intersection(
        each for each in list_or_empty(body.get("modalities")) if isinstance(each, str)
    )
    return Requirements(
        tokens=tokens,
        tools=bool(body.get("tools")) and body.get("tool_choice") != "none",
        inputs=frozenset(media.kinds),
        outputs=modalities - {"text"},
        json=JSON_KINDS.get(str(object_or_empty(body.get("response_format")).get("type"))),
        parameters=tuple(name for name in PARAMETERS if body.get(name) is not None) if is_required else (),
        max_price=_max_price(provider.get("max_price")),
        has_fees=_has_fees(body, (plugins - FREE_PLUGINS) | services, modalities),
        prefers_endpoints=_prefers_endpoints(body, provider),
        extras=_extras(body, plugins | services),
        preferences=_preferences(body, provider),
        writes_cache=writes_cache,
        shrinks="context-compression" in plugins or bool(body.get("transforms")),
        reasoning=_reasoning(body),
    )


def _reasoning(body: JsonObject) -> bool | None:
    """Return whether the body turns reasoning on or off; None if it does not say.

    Source: OpenRouter "Reasoning Tokens": `enabled`, `effort` ("none" turns it off) and `max_tokens`. With
    `exclude` the model reasons unseen. OpenAI's form of `effort` is `reasoning_effort`.
    """
    reasoning = body.get("reasoning")
    if isinstance(reasoning, dict):
        if reasoning.get("enabled") is not None:
            return reasoning["enabled"] is not False
        if reasoning.get("effort") is not None:
            return reasoning["effort"] != "none"
        if reasoning.get("max_tokens") is not None:
            return reasoning["max_tokens"] != 0
    effort = body.get("reasoning_effort")
    return None if effort is None else effort != "none"


def _hides_cache(body: JsonObject, text: bytes) -> bool:
    """Return whether the body has a field `cache_control`, at any depth, whose name is escaped."""
    return any(escape in text for escape in LETTER_ESCAPES) and has_name(body, "cache_control")


def _words(items: list[Json], name: str) -> set[str]:
    """Return each item's text in the field ``name``; OTHER for an item without one."""
    words = set()
    for item in items:
        word = item.get(name) if isinstance(item, dict) else None
        words.add(word if isinstance(word, str) else OTHER)
    return words


def _has_fees(body: JsonObject, paid: set[str], modalities: frozenset[str]) -> bool:
    return bool(
        paid
        or body.get("web_search_options") is not None  # OpenAI's form: an empty object turns it on
        or body.get("preset")  # it may add plugins and a prompt
        or modalities - {"text"}
    )


def _extras(body: JsonObject, services: set[str]) -> frozenset[str]:
    extras = {*services}
    if body.get("web_search_options") is not None or any("web_search" in each for each in extras):
        extras.add("web")
    if body.get("preset"):
        extras.add("preset")
    return frozenset(extras)


def _prefers_endpoints(body: JsonObject, provider: JsonObject) -> bool:
    """Return whether the request may be served by an endpoint that costs more than the list price."""
    tier = body.get("service_tier")
    chosen = {name for name, value in provider.items() if value is not None} - PRICE_NEUTRAL
    if provider.get("sort") == "price":
        chosen.discard("sort")
    is_listed = tier is None or (isinstance(tier, str) and tier in LISTED_TIERS)
    return bool(chosen) or not is_listed


def _preferences(body: JsonObject, provider: JsonObject) -> str:
    """Return a digest of the fields that choose among the model's endpoints; empty if none does."""
    chosen = [
        (name, value)
        for name, value in sorted({**provider, **{name: body.get(name) for name in CHOOSING}}.items())
        if value not in CHOOSING_NOTHING.get(name, (None, "", [], {}))
    ]
    return sha256(repr(chosen).encode()).hexdigest() if chosen else ""


def _max_price(value: Json) -> Price | None:
    """Return the caller's ceiling for token prices; None if there is none, or its form is wrong.

    OpenRouter checks the form, and applies the ceilings of other kinds.
    """
    fields = object_or_empty(value)
    limits = {name: fields[name] for name in ("prompt", "completion") if fields.get(name) is not None}
    try:
        return as_price(limits) if limits else None
    except ValueError:
        return None
