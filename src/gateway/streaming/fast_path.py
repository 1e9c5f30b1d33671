"""A fast path for stream events that differ from a parsed event only in their texts.

Most events of a stream repeat the same bytes around the texts that each of them adds.
"""

import re

from gateway.http.frozen import dataclass

# The keys whose text differs from event to event. Only the text itself is free. OpenAI sends `obfuscation`.
# Sources: OpenAI's and OpenRouter's chat chunks; Anthropic's `thinking_delta`, `input_json_delta`.
_BEGINS_TEXT = re.compile(
    rb'"(?:content|reasoning|reasoning_content|text|arguments|obfuscation|thinking|partial_json)"\s*+:\s*+"'
)
# The inside of a JSON string, which is not empty. Source: RFC 8259, section 7.
_TEXT = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))++')
# Longer events are parsed: they are few.
MAX_LEARNED_BYTES = 4_096
# How many frames are stored: the events of two choices may alternate, or those of reasoning and text.
MAX_FRAMES = 4
# Of a stream whose events do not repeat each other, only every so many are learned.
MAX_IN_VAIN, LEARN_EVERY = 32, 16


@dataclass(frozen=True, slots=True)
class _Frame:
    """The bytes of an event around its texts: before the first, and after each."""

    before: bytes
    after: tuple[bytes, ...]

    def fits(self, event: bytes) -> bool:
        if not event.startswith(self.before):
            return False
        place = len(self.before)
        for fixed in self.after:
            text = _TEXT.match(event, place)
            if text is None or not event.startswith(fixed, text.end()):
                return False
            place = text.end() + len(fixed)
        return place == len(event)


class RepeatedFrames:
    """Recognizes events that differ from a learned one only in their texts.

    All keys and all other values are the same, and the texts are valid JSON strings in UTF-8. What a check
    found for the learned event is therefore also true for the repeated one: it need not be parsed.
    """

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._in_vain = 0  # how many events were to be learned since one was repeated

    def learn(self, event: bytes) -> None:
        """Store the bytes around the texts of an event that was parsed and needed no change.

        It must have no lines but those that the client may get.
        """
        self._in_vain += 1
        is_vain = self._in_vain > MAX_IN_VAIN and self._in_vain % LEARN_EVERY
        if len(event) > MAX_LEARNED_BYTES or is_vain:
            return
        fixed, place = [], 0
        for begins in _BEGINS_TEXT.finditer(event):
            text = _TEXT.match(event, begins.end())
            if text is not None and event.startswith(b'"', text.end()):
                fixed.append(event[place : text.start()])
                place = text.end()
        if fixed:
            frame = _Frame(fixed[0], (*fixed[1:], event[place:]))
            self._frames = [frame, *self._frames[: MAX_FRAMES - 1]]

    def forget(self) -> None:
        """Forget all frames: what was found for them may no longer be true."""
        self._frames = []

    def repeats(self, event: bytes) -> bool:
        """Return whether an event equals a learned one, apart from its texts."""
        for frame in self._frames:
            if frame.fits(event):
                self._in_vain = 0
                return event.isascii() or _is_utf8(event)
        return False


def _is_utf8(event: bytes) -> bool:
    try:
        event.decode()
    except UnicodeDecodeError:
        return False
    return True
