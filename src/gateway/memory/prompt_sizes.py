"""Prompt sizes: how many bytes of a body make a token, by the author of a model, as this isolate has seen it.

Each maker has its own tokenizers. Plain data: bounded by ``MAX_AUTHORS`` and ``MAX_SIZES``.
"""

from gateway.http.frozen import dataclass

# Bytes of a JSON body for each token, while too few requests were seen. English and code have about four.
UNKNOWN_BYTES = 4.0
# How many of the newest requests count, and how many are needed.
MAX_SIZES, MIN_SIZES = 64, 5
MAX_AUTHORS = 100
# A shorter prompt says little: what a provider adds to it weighs more than its text.
LEAST_BYTES = 400
# Other ratios come from a provider that counts something else.
LEAST_RATIO, MOST_RATIO = 0.5, 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesPerToken:
    """How many bytes make a token.

    Attributes:
        ratio: bytes for each token.
        samples: how many requests it comes from; 0: none, it is ``UNKNOWN_BYTES``.
        error: how far nine of ten of these requests were from it at most, as a share of their tokens; None
            without samples.
    """

    ratio: float
    samples: int
    error: float | None


class PromptSizes:
    """Remembers the bytes and the tokens of the newest prompts, by the models' author."""

    def __init__(self) -> None:
        self._sizes: dict[str, list[tuple[int, int]]] = {}

    def note(self, model: str, *, text_bytes: int, tokens: int) -> None:
        """Remember that a prompt of text took this many tokens."""
        if text_bytes < LEAST_BYTES or not LEAST_RATIO <= text_bytes / max(1, tokens) <= MOST_RATIO:
            return
        author = author_of(model)
        sizes = self._sizes.pop(author, [])  # the author without a request for longest comes first
        sizes.append((text_bytes, tokens))
        self._sizes[author] = sizes[-MAX_SIZES:]
        if len(self._sizes) > MAX_AUTHORS:
            del self._sizes[next(iter(self._sizes))]

    def bytes_per_token(self, model: str) -> BytesPerToken:
        """Return how many bytes make a token for the model's author."""
        sizes = self._sizes.get(author_of(model), [])
        if len(sizes) < MIN_SIZES:
            return BytesPerToken(ratio=UNKNOWN_BYTES, samples=0, error=None)
        ratio = sum(each for each, _ in sizes) / sum(each for _, each in sizes)
        errors = sorted(abs(text_bytes / ratio - tokens) / tokens for text_bytes, tokens in sizes)
        return BytesPerToken(ratio=ratio, samples=len(sizes), error=errors[(9 * len(sizes) - 1) // 10])


def author_of(model: str) -> str:
    """Return the author of a model: what stands before the slash. Anthropic's names have none at times."""
    author, slash, _ = model.removeprefix("~").partition("/")
    if slash:
        return author
    return "anthropic" if model.startswith("claude") else ""
