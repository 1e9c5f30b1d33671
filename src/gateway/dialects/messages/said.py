"""Follows what a Messages stream says, so that its end gets the same verdict as a plain answer."""

from gateway.dialects.json_text import is_json
from gateway.dialects.messages.content import REFUSAL, SILENT_ENDS, THINKING_BLOCKS, adds, says
from gateway.http.json_values import JsonObject
from gateway.http.long_strings import LongStrings

_OF_THINKING = frozenset({"thinking_delta", "signature_delta"})
_ARGUMENTS = "input_json_delta"
# The arguments of calls that are longer than this in all are not checked.
MAX_CHARACTERS = 4 << 20


class Said:
    """What one answer has said.

    Attributes:
        is_answer: whether it has said anything besides thinking. White space alone is nothing.
    """

    def __init__(self, *, is_answer: bool = False) -> None:
        self.is_answer = is_answer
        self._arguments: dict[int, list[str]] = {}  # of the calls that are open, by their index
        self._characters = 0
        self._has_cut_call = False

    def begin(self, block: JsonObject) -> None:
        """Note that a block begins."""
        self.is_answer = self.is_answer or (block["type"] not in THINKING_BLOCKS and says(block))

    def add(self, place: int, delta: JsonObject, long: LongStrings) -> None:
        """Note what a delta adds to the block at this index."""
        kind = delta["type"]
        if not self.is_answer and kind not in _OF_THINKING:
            self.is_answer = adds(delta, blank_counts=False)
        text = delta.get("partial_json")
        if kind == _ARGUMENTS and isinstance(text, str) and self._characters <= MAX_CHARACTERS:
            text = long.restored(text)
            self._characters += len(text)
            self._arguments.setdefault(place, []).append(text)

    def end(self, place: int) -> None:
        """Note that the block at this index ends."""
        self._has_cut_call = self._has_cut_call or self._is_cut(self._arguments.pop(place, []))

    def code_at(self, reason: str, *, reasoning_only: bool) -> str | None:
        """Return the code of the fault of an answer that ends with this reason; None if it is usable.

        Args:
            reason: the stop reason.
            reasoning_only: whether it may hold thinking and nothing else.
        """
        if reason in SILENT_ENDS or reason == REFUSAL:  # whatever was said before a limit or a refusal stands
            return None
        if not self.is_answer and not reasoning_only:
            return "reasoning_only"
        return (
            "malformed_event"
            if self._has_cut_call or any(map(self._is_cut, self._arguments.values()))
            else None
        )

    def _is_cut(self, pieces: list[str]) -> bool:
        """Return whether a call's arguments are no JSON object. A call without any has none that are cut."""
        text = "".join(pieces) if self._characters <= MAX_CHARACTERS else ""
        return bool(text.strip()) and not is_json(text, "object")
