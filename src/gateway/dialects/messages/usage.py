"""Reads the token counts of a Messages usage, and puts the usages of one stream together."""

from collections.abc import Callable

from gateway.dialects.tokens import Tokens, are_stated, tokens_in
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty

# The counts that every usage has. Source: Anthropic API reference, "Create a Message".
COUNTS = ("input_tokens", "output_tokens")
# A prompt's tokens are the sum of these. Source: the same, "Usage".
_PROMPT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
# Where the share of the thinking stands. Sources: Anthropic's usage; OpenRouter's.
_REASONING = ("thinking_tokens", "reasoning_tokens")
_COSTS = frozenset({"cost", "cost_details"})
# No usage has more members. Those of a stream are put together.
MAX_MEMBERS = 1_000


def tokens_of(usage: JsonObject) -> Tokens:
    """Return the token counts in a usage."""
    details = object_or_empty(usage.get("output_tokens_details"))
    return Tokens(
        prompt=sum(tokens_in(usage, name) for name in _PROMPT),
        completion=tokens_in(usage, "output_tokens"),
        reasoning=max(tokens_in(details, name) for name in _REASONING),
        cached=tokens_in(usage, "cache_read_input_tokens"),
        are_stated=are_stated(usage, COUNTS),
    )


def merged(before: JsonObject, newer: JsonObject) -> JsonObject:
    """Return an object with the members of both. The newer value counts, unless it is null.

    Of two objects with too many members, the members of the newer one count.
    """
    found = {**before, **{name: value for name, value in newer.items() if value is not None}}
    for name, value in newer.items():
        found.setdefault(name, value)
    return found if len(found) <= MAX_MEMBERS else newer


def fill_counts(usage: JsonObject) -> bool:
    """Set counts that are missing to 0, because SDKs fail without them; return whether any was."""
    missing = [name for name in COUNTS if number_or_none(usage.get(name)) is None]
    usage.update(dict.fromkeys(missing, 0))
    return bool(missing)


class UsageSoFar:
    """What a stream has stated of its usage. Each statement is settled, and the last one counts.

    Attributes:
        all: the newest value of each count.

    Args:
        settle: records a usage; see ``StreamContext``.
    """

    def __init__(self, settle: Callable[[JsonObject], bool]) -> None:
        self.all: JsonObject = {}
        self._settle = settle

    def begin(self, usage: Json) -> None:
        """Take the usage of a ``message_start``. A cost there is none yet: the answer has only begun."""
        self.add({name: value for name, value in object_or_empty(usage).items() if name not in _COSTS})

    def add(self, usage: Json) -> None:
        """Take the usage of a ``message_delta``, whose counts are cumulative."""
        if isinstance(usage, dict) and usage:
            self.all = merged(self.all, usage)
            self._settle(self.all)
