"""Answer lengths: how many tokens the answers of each model to each key took lately, in this isolate.

Plain data: bounded by ``MAX_PAIRS`` and ``MAX_LENGTHS``, and forgotten after ``FORGOTTEN_S``.
"""

from dataclasses import field

from gateway.http.frozen import dataclass

# The expected length of an answer while too few answers were measured.
UNKNOWN_TOKENS = 1_000
# How many of the newest answers count.
MAX_LENGTHS = 64
# With fewer answers the 95th percentile would be the longest of them, which may be a short one by chance.
MIN_LENGTHS = 20
PERCENTILE = 95
# Without a new answer the lengths are forgotten after this time: the key may be used for other work now.
FORGOTTEN_S = 3_600.0
MAX_PAIRS = 500


@dataclass(slots=True)
class _Measured:
    """The lengths of the newest answers, what they let expect, and when the last one came (Unix time)."""

    lengths: list[int] = field(default_factory=list)
    expected: int = UNKNOWN_TOKENS
    at_s: float = 0.0


class AnswerLengths:
    """Remembers, by key and model, how many tokens the newest answers took."""

    def __init__(self) -> None:
        self._measured: dict[tuple[str, str], _Measured] = {}

    def note(self, key: str, model: str, tokens: int, *, now_s: float) -> None:
        """Remember that an answer of the model to the key took this many completion tokens."""
        measured = self._measured.pop(
            (key, model), None
        )  # the pair without an answer for longest comes first
        if measured is None or now_s - measured.at_s > FORGOTTEN_S:
            measured = _Measured()
        measured.at_s = now_s
        measured.lengths.append(tokens)
        del measured.lengths[:-MAX_LENGTHS]
        measured.expected = _expected_of(measured.lengths)
        self._measured[key, model] = measured
        if len(self._measured) > MAX_PAIRS:
            del self._measured[next(iter(self._measured))]

    def expected_tokens(self, key: str, model: str, *, now_s: float) -> int:
        """Return how many completion tokens the next answer of the model to the key will likely not exceed.

        It is the 95th percentile (nearest rank) of the newest answers. With fewer than ``MIN_LENGTHS``
        answers it is the longest of them, and at least ``UNKNOWN_TOKENS``.
        """
        measured = self._measured.get((key, model))
        if measured is None or now_s - measured.at_s > FORGOTTEN_S:
            return UNKNOWN_TOKENS
        return measured.expected


def _expected_of(lengths: list[int]) -> int:
    if len(lengths) < MIN_LENGTHS:
        return max(UNKNOWN_TOKENS, *lengths)
    rank = -(-PERCENTILE * len(lengths) // 100)
    return sorted(lengths)[rank - 1]
