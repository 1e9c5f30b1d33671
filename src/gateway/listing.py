"""``GET /v1/models``: the catalogue in OpenAI's form, OpenRouter's fields kept, filtered and sorted."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from gateway.errors import GatewayError
from gateway.prices import is_free, usd_per_million
from gateway.wire import JsonObject, list_or_empty, number_or_none, object_or_empty

Test: TypeAlias = Callable[[JsonObject], bool]
# A query parameter's value becomes the test that a model must pass; raises ``ValueError`` in words.
MakeTest: TypeAlias = Callable[[str], Test]


def _containing(text: str) -> Test:
    words = text.lower().split()
    return lambda model: all(word in f"{model.get('id')} {model.get('name')}".lower() for word in words)


def _supporting(text: str) -> Test:
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    return lambda model: wanted <= {str(name) for name in list_or_empty(model.get("supported_parameters"))}


def _at_most_usd(text: str) -> Test:
    limit_usd = _number(text)
    return lambda model: (usd := _dearest_usd(model)) is not None and usd <= limit_usd


def _at_least_context(text: str) -> Test:
    minimum = _number(text)
    return lambda model: (number_or_none(model.get("context_length")) or 0) >= minimum


def _free(text: str) -> Test:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return lambda model: is_free(model) == (text == "true")


def _of_modality(text: str) -> Test:
    wanted = {name.strip() for name in text.split(",") if name.strip()}

    def test(model: JsonObject) -> bool:
        architecture = object_or_empty(model.get("architecture"))
        sides = ("input_modalities", "output_modalities")
        return wanted <= {str(each) for side in sides for each in list_or_empty(architecture.get(side))}

    return test


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS):
        raise ValueError("must be a whole number, 0 or more")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not 0 <= value < float("inf"):
        raise ValueError("must be 0 or more")
    return value


def _dearest_usd(model: JsonObject) -> float | None:
    prices = [usd_per_million(model, kind) for kind in ("prompt", "completion")]
    known = [price for price in prices if price is not None]
    return max(known) if len(known) == len(prices) else None


FILTERS: Mapping[str, MakeTest] = MappingProxyType(
    {
        "q": _containing,
        "supported_parameters": _supporting,
        "max_price": _at_most_usd,
        "min_context": _at_least_context,
        "free": _free,
        "modality": _of_modality,
    }
)
PAGING = ("offset", "limit")
MOST_DIGITS = 10
# OpenRouter's SDKs refuse a model without these fields, null though they may be.
INSISTED_ON = ("context_length", "default_parameters", "per_request_limits", "supported_voices")
UNKNOWN_LAST = float("inf")
SORTS: Mapping[str, Callable[[JsonObject], float]] = MappingProxyType(
    {
        "price": lambda model: UNKNOWN_LAST if (usd := _dearest_usd(model)) is None else usd,
        "context": lambda model: -(number_or_none(model.get("context_length")) or 0),
        "newest": lambda model: -(number_or_none(model.get("created")) or 0),
    }
)


def _id(model: JsonObject) -> str:
    return str(model.get("id"))


def select(models: tuple[JsonObject, ...], query: Mapping[str, str]) -> list[JsonObject]:
    """Return the models that pass every filter of the query, in the order that it asks for.

    Raises:
        GatewayError: a parameter is not one, or its value is wrong.
    """
    tests = []
    for name, value in query.items():
        if name in PAGING:
            continue
        if name == "sort" and value in SORTS:
            continue
        if name == "sort":
            raise GatewayError("invalid_field", f"`sort` must be one of {', '.join(SORTS)}.", param="sort")
        if name not in FILTERS:
            known = ", ".join([*FILTERS, "sort", *PAGING])
            raise GatewayError("unknown_option", f"That is not a filter. There are: {known}.", param="query")
        try:
            tests.append(FILTERS[name](value))
        except ValueError as error:
            raise GatewayError("invalid_field", f"`{name}` {error}.", param=name) from None
    chosen = [model for model in models if all(test(model) for test in tests)]
    return sorted(chosen, key=SORTS[query["sort"]]) if "sort" in query else chosen


def page(models: list[JsonObject], query: Mapping[str, str]) -> list[JsonObject]:
    """Return the part of a list that ``offset`` and ``limit`` ask for; without a limit all of the rest.

    Raises:
        GatewayError: one of them is no whole number.
    """
    bounds = {}
    for name in PAGING:
        try:
            bounds[name] = _natural(query.get(name, "0"))
        except ValueError as error:
            raise GatewayError("invalid_field", f"`{name}` {error}.", param=name) from None
    first = bounds["offset"]
    return models[first : first + bounds["limit"]] if "limit" in query else models[first:]


def shown(model: JsonObject) -> JsonObject:
    """Return a model in OpenAI's form, with OpenRouter's fields and prices per million tokens."""
    return {
        **dict.fromkeys(INSISTED_ON),
        "links": {"details": f"/api/v1/models/{_id(model)}/endpoints"},
        **model,
        "object": "model",
        "owned_by": _id(model).partition("/")[0].lstrip("~"),
        "usd_per_million_tokens": {
            "prompt": usd_per_million(model, "prompt"),
            "completion": usd_per_million(model, "completion"),
        },
    }
