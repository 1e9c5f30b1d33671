"""Reads the fields that OpenRouter adds to every wire format: routing, plugins, service tier, price."""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.settings.price import Price, as_price

# The values of `modalities` that count. Others are ignored: a receipt must not repeat a caller's own words.
# Source: OpenRouter API reference, "Create a chat completion"; OpenRouter's model list has video, too.
MODALITIES = frozenset({"text", "image", "audio", "video"})


# Service tiers at the list price or below. Others (priority, fast, ultrafast, scale) cost more.
# Source: OpenRouter "Service Tiers".
LISTED_TIERS = frozenset({"auto", "default", "flex"})


# The name of a plugin or a tool that has no name.
OTHER = "?"


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


def words_of(items: list[Json], name: str) -> set[str]:
    """Return each item's text in the field ``name``; OTHER for an item without one."""
    words = set()
    for item in items:
        word = item.get(name) if isinstance(item, dict) else None
        words.add(word if isinstance(word, str) else OTHER)
    return words


def prefers_endpoints(body: JsonObject, provider: JsonObject) -> bool:
    """Return whether the request may be served by an endpoint that costs more than the list price."""
    tier = body.get("service_tier")
    chosen = {name for name, value in provider.items() if value is not None} - PRICE_NEUTRAL
    if provider.get("sort") == "price":
        chosen.discard("sort")
    is_listed = tier is None or (isinstance(tier, str) and tier in LISTED_TIERS)
    return bool(chosen) or not is_listed


def preferences_of(body: JsonObject, provider: JsonObject) -> str:
    """Return a digest of the fields that choose among the model's endpoints; empty if none does."""
    chosen = [
        (name, value)
        for name, value in sorted({**provider, **{name: body.get(name) for name in CHOOSING}}.items())
        if value not in CHOOSING_NOTHING.get(name, (None, "", [], {}))
    ]
    return sha256(repr(chosen).encode()).hexdigest() if chosen else ""


def max_price_of(value: Json) -> Price | None:
    """Return the caller's ceiling for token prices; None if there is none, or its form is wrong.

    OpenRouter checks the form, and applies the ceilings of other kinds.
    """
    fields = object_or_empty(value)
    limits = {name: fields[name] for name in ("prompt", "completion") if fields.get(name) is not None}
    try:
        return as_price(limits) if limits else None
    except ValueError:
        return None


def has_fees(body: JsonObject, paid: set[str]) -> bool:
    """Return whether the request may cost more than its tokens; ``paid`` names what it uses for a fee."""
    return bool(
        paid
        or body.get("web_search_options") is not None  # OpenAI's form: an empty object turns it on
        or body.get("preset")  # it may add plugins and a prompt
    )


def extras_of(body: JsonObject, services: set[str]) -> frozenset[str]:
    """Return the services that a request uses: those named, ``web`` for every web search, ``preset``."""
    extras = {*services}
    if body.get("web_search_options") is not None or any("web_search" in each for each in extras):
        extras.add("web")
    if body.get("preset"):
        extras.add("preset")
    return frozenset(extras)


def reasoning_of(body: JsonObject) -> bool | None:
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
