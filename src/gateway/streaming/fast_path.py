"""What the events of a stream repeat, one after the other, around the text that each of them adds."""

import re

_BEGINS_TEXT = re.compile(rb'"content":"')
# What stands for itself in a JSON string: not its end, no escape; nor a line end, which the event ends with.
_PLAIN_TEXT = re.compile(rb'[^"\\\r\n]+')


class RepeatedFrame:
    """Knows an event again that differs from an earlier one in nothing but a plain text.

    What its keys, and its values but for that text, said of the earlier one is true of it too, and need not
    be looked for again.
    """

    def __init__(self) -> None:
        self._head: bytes | None = None
        self._tail = b""

    def learn(self, event: bytes) -> None:
        """Take an event, as it came, for what will be repeated, if it has a plain text."""
        begins = _BEGINS_TEXT.search(event)
        text = _PLAIN_TEXT.match(event, begins.end()) if begins else None
        if text is not None and event.startswith(b'"', text.end()):
            self._head, self._tail = event[: text.start()], event[text.end() :]

    def repeats(self, event: bytes) -> bool:
        """Return whether an event is the one that was learned last, with another text or the same."""
        envelope = self._head
        return (
            envelope is not None
            and event.startswith(envelope)
            and event.endswith(self._tail)
            and _PLAIN_TEXT.fullmatch(event, len(envelope), len(event) - len(self._tail)) is not None
        )
