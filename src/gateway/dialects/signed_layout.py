"""Takes signed parts out of a request's messages. All other bytes stay as the caller wrote them.

The text is read once for all attempts of a request, without its long strings. What an attempt sends is then
joined from pieces of the complete text.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from json import JSONDecoder
from typing import TypeAlias

from gateway.dialects.signed_parts import SignedForm, SignedPart
from gateway.http.frozen import dataclass
from gateway.http.json_members import Members, narrow_text
from gateway.http.json_values import Json, JsonObject
from gateway.http.long_strings import shorten_texts

# The members of a message that say nothing by themselves.
_SILENT = frozenset({"role", "name"})
_BLANKS = re.compile(r"[ \t\n\r]*+")
_SCAN = JSONDecoder().scan_once  # type: ignore[attr-defined]  # what raw_decode calls, without a wrapper

# Where a value begins and ends in a text.
Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """Where the parts of a message with signed ones are.

    Attributes:
        parts: the parts of its list.
        members: its members, each with its name.
        list_place: which member the list is.
        is_all: whether it says nothing beside the list.
    """

    parts: list[Span]
    members: list[Span]
    list_place: int
    is_all: bool


class SignedLayout:
    """Where the signed parts of a request are in its text.

    Args:
        fields: the request's members, which have its messages.
        signed: its signed parts, one or more.
        form: where they are.

    Raises:
        ValueError: the text is not JSON after all.
    """

    def __init__(self, fields: Members, signed: Sequence[SignedPart], form: SignedForm) -> None:
        self._fields = fields
        self._member = form.in_member
        self._signed = signed
        short, self._long = shorten_texts(fields.text)
        text = narrow_text(short)
        begin, _ = fields.places[self._member]
        _, colon = _SCAN(text, self._long.place_in_short(begin))
        array = _after_blanks(text, _after_blanks(text, colon) + 1)
        concerned = {part.message for part in signed}
        self._spans: list[Span] = []
        self._messages: dict[int, _Message] = {}
        for number, (first, last, value) in enumerate(_items(text, array)):
            self._spans.append((first, last))
            if number in concerned and isinstance(value, dict):
                self._messages[number] = _layout_of(text, first, value, form)

    def without(self, parts: Collection[int]) -> Members:
        """Return the request's members without these of its signed parts, which are named by position.

        A message that has nothing left is left out, too.
        """
        gone: dict[int, set[int]] = {}
        for part in parts:
            gone.setdefault(self._signed[part].message, set()).add(self._signed[part].place)
        hollow = {
            number
            for number, places in gone.items()
            if self._messages[number].is_all and len(places) == len(self._messages[number].parts)
        }
        cuts = [*_cuts(self._spans, hollow)]
        for number in gone.keys() - hollow:
            cuts += self._cuts_within(self._messages[number], gone[number])
        complete = self._long.to_complete()
        return self._fields.cut(
            self._member, [(complete(start), complete(end)) for start, end in sorted(cuts)]
        )

    @staticmethod
    def _cuts_within(message: _Message, places: set[int]) -> Iterator[Span]:
        if len(places) == len(message.parts):
            return _cuts(message.members, {message.list_place})
        return _cuts(message.parts, places)


def _layout_of(text: str, start: int, message: JsonObject, form: SignedForm) -> _Message:
    """Return the layout of a message whose text begins at ``start``."""
    if not form.list_name:  # it is a part itself
        return _Message(parts=[(start, start)], members=[], list_place=0, is_all=True)
    members: list[Span] = []
    list_place = list_start = 0
    for place, (name, name_start, value_start, end) in enumerate(_members(text, start)):
        members.append((name_start, end))
        if name == form.list_name:
            list_place, list_start = place, value_start
    beside = (each for name, each in message.items() if name not in _SILENT and name != form.list_name)
    return _Message(
        parts=[(first, last) for first, last, _ in _items(text, list_start)],
        members=members,
        list_place=list_place,
        is_all=form.is_all or not any(beside),
    )


def _cuts(spans: list[Span], gone: Collection[int]) -> Iterator[Span]:
    """Yield what to cut out of a list so that these of its items are gone, each with one comma."""
    is_first = True  # whether no item before this one stays
    for place, (start, end) in enumerate(spans):
        if place not in gone:
            is_first = False
        elif not is_first:
            yield spans[place - 1][1], end
        else:
            yield start, spans[place + 1][0] if place + 1 < len(spans) else end


def _items(text: str, start: int) -> Iterator[tuple[int, int, Json]]:
    """Yield where each item of an array begins and ends, and the item; the array begins at ``start``."""
    place = _after_blanks(text, start + 1)
    while text[place] != "]":
        value, end = _SCAN(text, place)
        yield place, end, value
        place = _after_blanks(text, end)
        if text[place] == ",":
            place = _after_blanks(text, place + 1)


def _members(text: str, start: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield each member of an object: its name, where that, its value and its end are."""
    place = _after_blanks(text, start + 1)
    while text[place] != "}":
        name, colon = _SCAN(text, place)
        value_start = _after_blanks(text, _after_blanks(text, colon) + 1)
        _, end = _SCAN(text, value_start)
        yield name, place, value_start, end
        place = _after_blanks(text, end)
        if text[place] == ",":
            place = _after_blanks(text, place + 1)


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place
