"""Parses the query of ``GET /v1/models``: filters, a sort order and a page."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from gateway.catalog.prices import is_free
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, list_or_empty, number_or_none, object_or_empty

Test: TypeAlias = Callable[[JsonObject], bool]
Order: TypeAlias = Callable[[JsonObject], float]
# Turns a query parameter's value into a test that a model must pass. Raises ``ValueError`` with a message
# that says what the value must be.
MakeTest: TypeAlias = Callable[[str], Test]


def _containing(text: str) -> Test:
    if len(text) > MAX_SEARCH_CHARACTERS:
        raise ValueError(f"must have at most {MAX_SEARCH_CHARACTERS} characters")
    words = set(text.lower().split())

    def test(model: JsonObject) -> bool:
        names = f"{model.get('id')} {model.get('name')}".lower()
        return all(word in names for word in words)

    return test


def _supporting(text: str) -> Test:
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    return lambda model: wanted <= {str(name) for name in list_or_empty(model.get("supported_parameters"))}


def _at_most_usd(text: str) -> Test:
    limit_usd = _number(text)
    return lambda model: (usd := _most_expensive_usd(model)) is not None and usd <= limit_usd


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
    if not (text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS):
        raise ValueError("must be a whole number, 0 or more")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not 0 <= value < float("inf"):
        raise ValueError("must be a finite number, 0 or more")
    return value


def _most_expensive_usd(model: JsonObject) -> float | None:
    usd = object_or_empty(model.get("usd_per_million_tokens"))
    prompt, completion = number_or_none(usd.get("prompt")), number_or_none(usd.get("completion"))
    return None if prompt is None or completion is None else max(prompt, completion)


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
PARAMETERS = (*FILTERS, "sort", *PAGING)
MAX_DIGITS = 10
MAX_SEARCH_CHARACTERS = 200
UNKNOWN_LAST = float("inf")  # sorts a model without a known price behind all others
SORTS: Mapping[str, Order] = MappingProxyType(
    {
        "price": lambda model: UNKNOWN_LAST if (usd := _most_expensive_usd(model)) is None else usd,
        "context": lambda model: -(number_or_none(model.get("context_length")) or 0),
        "newest": lambda model: -(number_or_none(model.get("created")) or 0),
    }
)


def _order(text: str) -> Order:
    if text not in SORTS:
        raise ValueError(f"must be one of {', '.join(SORTS)}")
    return SORTS[text]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuery:
    """A parsed query.

    Attributes:
        tests: the filters; a model must pass all of them.
        order: the sort key; None for OpenRouter's own order.
        offset: how many of the models are skipped, 0 or more.
        limit: how many models are returned at most; None for all after ``offset``.
    """

    tests: tuple[Test, ...]
    order: Order | None
    offset: int
    limit: int | None


def read_query(query: Mapping[str, str]) -> ModelQuery:
    """Return the parsed query, whose parameters are all among ``PARAMETERS``.

    Raises:
        GatewayError: a value is invalid.
    """
    tests: list[Test] = []
    bounds: dict[str, int] = {}
    order: Order | None = None
    for name, value in query.items():
        try:
            if name in FILTERS:
                tests.append(FILTERS[name](value))
            elif name in PAGING:
                bounds[name] = _natural(value)
            else:
                order = _order(value)
        except ValueError as error:
            raise GatewayError("invalid_field", f"`{name}` {error}.", param=name) from None
    return ModelQuery(
        tests=tuple(tests), order=order, offset=bounds.get("offset", 0), limit=bounds.get("limit")
    )
