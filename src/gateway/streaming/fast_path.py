"""A fast path for stream events that differ from an earlier event only in their text.

Most events of a stream repeat the same bytes around the text that each of them adds.
"""

import re

_BEGINS_TEXT = re.compile(rb'"content":"')
# Characters of a JSON string that need no decoding: no quote, no escape, and no line end, which could end
# the event.
_PLAIN_TEXT = re.compile(rb'[^"\\\r\n]++')


class RepeatedFrame:
    """Recognizes an event that differs from the learned one only in its plain text (no escapes).

    All keys and all other values are the same. What a check found for the learned event is therefore also
    true for the repeated one, so the check need not run again.
    """

    def __init__(self) -> None:
        self._before_text: bytes | None = None
        self._after_text = b""

    def learn(self, event: bytes) -> None:
        """Store the bytes before and after an event's text, if the event has a plain text."""
        begins = _BEGINS_TEXT.search(event)
        text = _PLAIN_TEXT.match(event, begins.end()) if begins else None
        if text is not None and event.startswith(b'"', text.end()):
            self._before_text, self._after_text = event[: text.start()], event[text.end() :]

    def repeats(self, event: bytes) -> bool:
        """Return whether an event equals the one learned last, apart from its text."""
        before = self._before_text
        return (
            before is not None
            and event.startswith(before)
            and event.endswith(self._after_text)
            and _PLAIN_TEXT.fullmatch(event, len(before), len(event) - len(self._after_text)) is not None
        )
