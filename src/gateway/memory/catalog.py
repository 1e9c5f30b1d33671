"""This isolate's copy of OpenRouter's model list."""

import json

from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject

# Ways to the same model; others, as `:free`, are models of their own. Source: OpenRouter "Model variants".
DYNAMIC_VARIANTS = (":nitro", ":floor", ":exacto", ":online")


class Catalog:
    """A copy of the list. Plain data, kept for all requests of an isolate: nobody may change what it returns.

    Attributes:
        fetched_at_s: when OpenRouter gave it, in Unix time.
        crc32: the checksum of its models: the same for as long as the list is.
    """

    __slots__ = ("_indices", "_lines", "_models", "_parsed", "crc32", "fetched_at_s")

    def __init__(self, fetched_at_s: float, lines: tuple[bytes, ...], crc32: int) -> None:
        self.fetched_at_s = fetched_at_s
        self.crc32 = crc32
        self._lines = lines
        self._indices: dict[str, int] = {}
        self._parsed: dict[int, JsonObject] = {}
        self._models: tuple[JsonObject, ...] | None = None

    def __len__(self) -> int:
        return len(self._lines)

    def age_s(self, now_s: float) -> float:
        """Return how old the copy is, in seconds."""
        return max(0.0, now_s - self.fetched_at_s)

    def find(self, model: str) -> JsonObject | None:
        """Return a model by its id, else by its canonical slug; None where it is not listed.

        With a dynamic variant that is not listed itself it is the model without it.
        """
        index = self._index_of(model)
        if index is None and model.endswith(DYNAMIC_VARIANTS):
            index = self._index_of(model.rpartition(":")[0])
        if index is None:
            return None
        if self._models is not None:
            return self._models[index]
        if index not in self._parsed:
            self._parsed[index] = json.loads(_json_in(self._lines[index]))
        return self._parsed[index]

    def shown(self) -> list[bytes]:
        """Return every model's JSON, in OpenRouter's order."""
        return [_json_in(line) for line in self._lines]

    def models(self) -> tuple[JsonObject, ...]:
        """Return every model, in the order of ``shown``. All are parsed the first time, once."""
        if self._models is None:
            self._models = tuple(json.loads(b"[" + b",".join(self.shown()) + b"]"))
            self._parsed.clear()
        return self._models

    @property
    def lines(self) -> tuple[bytes, ...]:
        """Each model as a line, in OpenRouter's order: how they are stored."""
        return self._lines

    def _index_of(self, name: str) -> int | None:
        if not self._indices:
            names = [line.split(b"\t", 2)[:2] for line in self._lines]
            others = {other.decode(): index for index, (_, other) in enumerate(names) if other}
            self._indices = others | {own.decode(): index for index, (own, _) in enumerate(names)}
        return self._indices.get(name)


@dataclass(slots=True)
class CatalogMemory:
    """What one isolate has: its copy, and by plain numbers (Unix time) what its requests are at.

    Asyncio objects cannot be shared between requests; numbers can.

    Attributes:
        catalog: its copy.
        looked_at_s: when KV was last looked into, whatever came of it.
        looking_until_s: until when a request looks into KV; 0 when none does.
        fetching_until_s: until when a request fetches the list; 0 when none does.
        fetches_ended: how many fetches came to an end, good or bad, and were not cancelled.
        retry_at_s: before that a stale copy is good enough: OpenRouter has just failed.
    """

    catalog: Catalog | None = None
    looked_at_s: float = float("-inf")
    looking_until_s: float = 0.0
    fetching_until_s: float = 0.0
    fetches_ended: int = 0
    retry_at_s: float = 0.0


def _json_in(line: bytes) -> bytes:
    return line.split(b"\t", 2)[2]
