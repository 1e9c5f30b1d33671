"""Follows the parts of a Responses stream's items, as a client does: which were added, and which are done.

Clients put a piece of text where its part is. So a piece of a part that is not there has no place.
Source: OpenAI API reference, "Streaming events"; Open Responses specification.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.json_values import JsonObject, whole_or_none

# The field with a part's place, by the second word of an event's type. Other events are of no part.
PLACES: Mapping[str, str] = MappingProxyType({
    "content_part": "content_index",
    "output_text": "content_index",
    "refusal": "content_index",
    "reasoning": "content_index",
    "reasoning_text": "content_index",
    "reasoning_summary_part": "summary_index",
    "reasoning_summary_text": "summary_index",
})  # fmt: skip  # one word a line
# More parts are not followed: no answer has so many.
MAX_PARTS = 10_000


class Parts:
    """The parts of one answer's items.

    Attributes:
        are_in_order: whether each event was of a part that was added and not yet done, and each item was done
            after its parts.
    """

    def __init__(self) -> None:
        self.are_in_order = True
        self._is_open: dict[tuple[int, str, int], bool] = {}
        self._open_in: dict[int, int] = {}  # how many are open, by their item's place in the output

    def take(self, index: int, payload: JsonObject) -> None:
        """Follow an event of the item at this place in the output."""
        kind = str(payload["type"])
        word = kind.split(".")[1] if kind.startswith("response.") else ""
        field = PLACES.get(word)
        if field is None or not self.are_in_order:
            return
        place = (index, field, -1 if (at := whole_or_none(payload.get(field))) is None else at)
        if kind.endswith("_part.added"):
            self.are_in_order = (
                place not in self._is_open and place[2] >= 0 and len(self._is_open) < MAX_PARTS
            )
            self._is_open[place] = True
            self._open_in[index] = self._open_in.get(index, 0) + 1
        elif kind.endswith("_part.done"):
            self.are_in_order = self._is_open.get(place) is True
            self._is_open[place] = False
            self._open_in[index] = self._open_in.get(index, 0) - 1
        else:
            self.are_in_order = self._is_open.get(place) is True

    def end_item(self, index: int) -> None:
        """Note that the item at this place is done. All its parts should be."""
        self.are_in_order = self.are_in_order and not self._open_in.get(index)
