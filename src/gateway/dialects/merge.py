"""Merges the pieces of an object that arrive one after the other, such as the deltas of a stream.

Each field has a rule. Texts are joined, lists are extended, and objects are merged by rules of their own.
"""

from collections.abc import Mapping
from io import StringIO
from typing import Any, Protocol, TypeAlias

from gateway.dialects.meter import Meter, length_of, weight_of
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, number_or_none

# Rules for a field: the first value counts; the newest counts; texts are joined.
FIRST, NEWEST, TEXT = "first", "newest", "text"
# The rule for a field that nobody knows: texts are joined, unless all are the same. Lists are extended,
# objects are merged, and of other values the newest counts.
DELTA = "delta"
# Under this name a table has the rule for the fields that it does not name. Without it that is `DELTA`.
OTHERS = "*"


@dataclass(frozen=True, slots=True)
class Items:
    """The rule for a list of objects whose pieces have an index.

    Attributes:
        rules: the rules for the fields of each object.
        by_type: whether objects of one index but of different types are different objects.
    """

    rules: "Rules"
    by_type: bool = False


Rule: TypeAlias = "str | Items | Rules"
Rules: TypeAlias = Mapping[str, "str | Items | Rules"]

_EMPTY: tuple[Json, ...] = (None, "", [], {})
# An object of Python takes as much memory as so many values of JSON.
_VALUES_OF_OBJECT = 10


class _Part(Protocol):
    """A value that arrives in pieces."""

    def __init__(self, rule: Any, meter: Meter) -> None: ...  # noqa: ANN401  # each class has a type of rule

    def take(self, piece: Any) -> None: ...  # noqa: ANN401  # and of pieces

    def to_json(self) -> Json: ...


class Merged:
    """An object that arrives in pieces.

    Args:
        rule: the rules for its fields; `DELTA` for none.
        meter: counts what is kept.
    """

    def __init__(self, rule: Rules | str, meter: Meter) -> None:
        meter.add(0, _VALUES_OF_OBJECT)
        self._rules: Rules = {} if isinstance(rule, str) else rule
        self._meter = meter
        self._values: JsonObject = {}  # also holds the place of each part
        self._parts: dict[str, _Part] = {}
        self._weights: dict[str, tuple[int, int]] = {}
        self._nulls: set[str] = set()

    def take(self, piece: JsonObject) -> None:
        """Add the fields of a piece.

        Raises:
            TooMuchError: more would be kept than the meter allows.
        """
        for name, value in piece.items():
            if name not in self._values:
                self._meter.add(length_of(name), 2)
                self._values[name] = None
            if value is None:
                self._nulls.add(name)
                continue
            rule = self._rules.get(name) or self._rules.get(OTHERS, DELTA)
            kind = _kind_of(value, rule)
            if kind is None:
                self._keep(name, value, is_first=rule == FIRST)
                continue
            part = self._parts.get(name)
            if not isinstance(part, kind):
                part = self._parts[name] = kind(rule, self._meter)
            part.take(value)

    def get(self, name: str) -> Json:
        """Return the value of a field whose rule is ``FIRST`` or ``NEWEST``; None if there is none."""
        return self._values.get(name)

    def to_json(self) -> JsonObject:
        """Return the object as far as it has arrived. A text is null if it is empty and a piece said null."""
        shown = {**self._values}
        for name, part in self._parts.items():
            value = part.to_json()
            shown[name] = None if value == "" and name in self._nulls else value
        return shown

    def _keep(self, name: str, value: Json, *, is_first: bool) -> None:
        here = self._values[name]
        if here not in _EMPTY and (is_first or value in _EMPTY or value == here):
            return
        before, now = self._weights.get(name, (0, 0)), weight_of(value)
        self._meter.add(now[0] - before[0], now[1] - before[1])
        self._weights[name] = now
        self._values[name] = value


class _Text:
    """A text that arrives in pieces. With the rule `DELTA`, pieces that are all the same count once."""

    def __init__(self, rule: str, meter: Meter) -> None:
        self._meter = meter
        self._all = StringIO(newline="")
        self._first = ""
        self._is_repeat = rule == DELTA

    def take(self, piece: str) -> None:
        if piece:
            self._meter.add(length_of(piece), 0)
            self._all.write(piece)
            self._first = self._first or piece
            self._is_repeat = self._is_repeat and piece == self._first

    def to_json(self) -> Json:
        return self._first if self._is_repeat else self._all.getvalue()


class _List:
    """A list that arrives in pieces."""

    def __init__(self, rule: Rule, meter: Meter) -> None:
        del rule
        self._meter = meter
        self._all: list[Json] = []

    def take(self, piece: list[Json]) -> None:
        self._meter.add(*weight_of(piece))
        self._all += piece

    def to_json(self) -> Json:
        return self._all


class _MergedItems:
    """A list of objects that arrive in pieces, see ``Items``."""

    def __init__(self, rule: Items, meter: Meter) -> None:
        self._rule = rule
        self._meter = meter
        self._all: list[Merged] = []
        self._at: dict[tuple[int, str], Merged] = {}

    def take(self, piece: list[Json]) -> None:
        for each in piece:
            if isinstance(each, dict):
                self._item_of(each).take(each)

    def to_json(self) -> Json:
        if not self._rule.by_type:
            self._all.sort(key=lambda item: number_or_none(item.get("index")) or 0)
        return [item.to_json() for item in self._all]

    def _item_of(self, piece: JsonObject) -> Merged:
        """Return the object that a piece goes on with, or a new one.

        A piece goes on with the object of its index, and of its type if types count. A piece without an index
        goes on with the last object if neither has an index and both have one type. Another id is another
        object.
        """
        index, kind = piece.get("index"), str(piece.get("type")) if self._rule.by_type else ""
        key = (index, kind) if isinstance(index, int) else None
        last = self._all[-1] if self._all else None
        if key is not None:
            found = self._at.get(key)
        else:
            found = last if last and last.get("index") is None and str(last.get("type")) == kind else None
        if found is None or _differ(found.get("id"), piece.get("id")):
            found = Merged(self._rule.rules, self._meter)
            self._all.append(found)
            if key is not None:
                self._at[key] = found
        return found


def _differ(one: Json, other: Json) -> bool:
    return bool(one) and bool(other) and one != other


def _kind_of(value: Json, rule: Rule) -> type[_Part] | None:
    """Return how a value is merged by its rule; None if one value counts."""
    if isinstance(value, str):
        return _Text if rule in (TEXT, DELTA) else None
    if isinstance(value, list):
        return _MergedItems if isinstance(rule, Items) else _List if rule == DELTA else None
    is_merged = isinstance(value, dict) and (rule == DELTA or isinstance(rule, Mapping))
    return Merged if is_merged else None
