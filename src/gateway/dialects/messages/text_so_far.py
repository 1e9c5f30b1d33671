"""Collects the text of a Messages answer, so that another model can continue it."""

from gateway.dialects.messages.content import THINKING_BLOCKS
from gateway.http.json_values import JsonObject

# The deltas that leave an answer a mere text. Thinking is no part of what another model continues.
_TEXT, _APART = "text_delta", frozenset({"thinking_delta", "signature_delta"})


class TextSoFar:
    """The text that a client has of one answer.

    Args:
        is_collected: whether the text is collected at all.
    """

    def __init__(self, *, is_collected: bool) -> None:
        self._texts: list[str] | None = [] if is_collected else None

    @property
    def is_collected(self) -> bool:
        """Whether it is collected, and the answer has been nothing but text and thinking so far."""
        return self._texts is not None

    @property
    def value(self) -> str | None:
        """The text; None if it is not collected, or the answer has more than text and thinking."""
        return None if self._texts is None else "".join(self._texts)

    def begin(self, block: JsonObject) -> None:
        """Take the beginning of a block."""
        kind = block["type"]
        if kind in THINKING_BLOCKS:
            return
        self._add(block.get("text") if kind == "text" and not block.get("citations") else None)

    def add(self, delta: JsonObject, *, is_long: bool) -> None:
        """Take a delta; ``is_long`` if its text is left out, because it is too long."""
        kind = delta["type"]
        if kind not in _APART:
            self._add(delta.get("text") if kind == _TEXT and not is_long else None)

    def _add(self, text: object) -> None:
        if self._texts is None:
            return
        if isinstance(text, str):
            self._texts.append(text)
        else:
            self._texts = None
