"""Finds what a model repeats of a text that it should continue, while its own text still arrives.

Models continue a text in one of three ways. They go on exactly where it stops, they repeat its last words and
go on, or they start over with the whole text. It only takes and returns text.
"""

# A shorter repeat of the last words may be chance: "ban" goes on with "ana", "so " with "so good".
LEAST_OVERLAP = 8
# A shorter text may be repeated by chance. White space around it does not count.
LEAST_WHOLE = 3
# A repeat of the last words is searched among so many characters. A repeat of the whole text has no limit.
WINDOW = 16_384


class Overlap:
    """Drops from a new text the beginning that repeats the text so far.

    The rule: if the new text begins with the whole text so far (``LEAST_WHOLE`` characters or more), that is
    dropped. If not, the longest beginning of it that the text so far ends with is dropped, if it has
    ``LEAST_OVERLAP`` characters or more, and at most ``WINDOW``. Characters are compared exactly, white space
    too. Nothing else is dropped.

    The new text is held only while it occurs in the text so far, because only then may the repeat still grow.
    The search never goes back, so its cost is linear.

    Attributes:
        is_open: whether it is still undecided what the new text repeats.
    """

    def __init__(self, so_far: str) -> None:
        self.is_open = True
        self._so_far = so_far
        self._last = so_far[-WINDOW:]
        self._held: list[str] = []
        self._held_characters = 0
        self._may_be_whole = len(so_far.strip()) >= LEAST_WHOLE
        self._place = 0  # where the held text first occurs in the last characters; -1: nowhere

    def take(self, text: str) -> str:
        """Return what may be sent once this piece of the new text has arrived; empty while all is held."""
        if not self.is_open or not text:
            return text
        begin = self._held_characters
        self._held.append(text)
        self._held_characters += len(text)
        missing = self._so_far[begin : self._held_characters] if self._may_be_whole else ""
        self._may_be_whole = self._may_be_whole and text.startswith(missing)
        if self._may_be_whole and self._held_characters >= len(self._so_far):
            self.is_open = False
            return text[len(missing) :]
        if self._place >= 0 and not self._last.startswith(text, self._place + begin):
            self._place = self._last.find("".join(self._held), self._place + 1)
        return "" if self._may_be_whole or self._place >= 0 else self.end()

    def end(self) -> str:
        """Decide now, because no more text comes; return what is left of the held text."""
        if not self.is_open:
            return ""
        self.is_open = False
        held = "".join(self._held)
        length = overlap_length(self._last, held)
        return held[length:] if length >= LEAST_OVERLAP else held


def overlap_length(text: str, new: str) -> int:
    """Return the length of the longest end of ``text`` that ``new`` begins with; 0 if below the least.

    The cost is linear. Source: Knuth, Morris, Pratt, "Fast Pattern Matching in Strings".
    """
    if len(new) < LEAST_OVERLAP or new[:LEAST_OVERLAP] not in text:  # the common case costs no loop
        return 0
    new = new[: len(text)]
    borders = [0] * len(new)  # of each beginning of ``new``: the longest end that is also its beginning
    length = 0
    for place in range(1, len(new)):
        length = _extend(new, borders, length, new[place])
        borders[place] = length
    length = 0
    for character in text[-len(new) :]:
        length = _extend(new, borders, length, character)
    return length


def _extend(new: str, borders: list[int], length: int, character: str) -> int:
    """Return how many characters of ``new`` match after one more character, if ``length`` matched before."""
    while length and (length == len(new) or new[length] != character):
        length = borders[length - 1]
    return length + 1 if new[length] == character else 0
