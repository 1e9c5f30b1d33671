"""The models that OpenRouter has, as an isolate keeps them: lines of JSON, of which few are ever parsed.

What is stored is a line of JSON about the rest, then a line for each model, in OpenRouter's order::

    {"version":3,"at_s":1795338000.0,"count":2,"crc32":3632233996}
    author/slug <tab> another name, or nothing <tab> {"id":"author/slug",…}

The JSON of a model is what ``GET /v1/models`` shows of it, so that a list is a join of bytes. No line break
and no tab is in it: JSON escapes both, and a name that is no plain word is not kept.
"""

import json
from zlib import crc32

from gateway.answers import parse_json
from gateway.frozen import dataclass
from gateway.json_bytes import to_json_bytes
from gateway.wire import JsonObject, number_or_none, object_or_empty

KEY = "catalog"
VERSION = 3  # of what is stored: a value of another version is ignored, and rebuilt
MOST_HEADER_BYTES = 200  # a longer first line is no header: what it is instead need not be parsed
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

    def to_stored(self) -> bytes:
        """Return the copy as it is stored."""
        header = {"version": VERSION, "at_s": self.fetched_at_s, "count": len(self), "crc32": self.crc32}
        return b"\n".join([to_json_bytes({**header}), *self._lines])

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


def catalog_of(models: list[JsonObject], *, fetched_at_s: float) -> Catalog:
    """Return the copy that holds these models, each as it is shown; those without a usable id are left out.

    Raises:
        ValueError: one holds what JSON cannot carry.
    """
    lines = tuple(_line_of(model) for model in models if _is_name(model.get("id")))
    return Catalog(fetched_at_s, lines, crc32(b"\n".join(lines)))


def from_stored(raw: bytes) -> Catalog | None:
    """Return a stored copy; None where it is corrupted, or of another version."""
    head, _, body = raw.partition(b"\n")
    if len(head) > MOST_HEADER_BYTES:
        return None
    try:
        header = object_or_empty(parse_json(head))
    except ValueError:
        return None
    at_s, checksum = number_or_none(header.get("at_s")), crc32(body)
    if header.get("version") != VERSION or at_s is None or header.get("crc32") != checksum:
        return None
    lines = tuple(body.split(b"\n"))
    return Catalog(at_s, lines, checksum) if body and header.get("count") == len(lines) else None


def _line_of(model: JsonObject) -> bytes:
    name, slug = str(model["id"]), model.get("canonical_slug")
    _, colon, variant = name.partition(":")
    # A variant shares the slug of its model, whose price is another: it goes by the slug with the variant.
    other = f"{slug}{colon}{variant}" if _is_name(slug) else ""
    return b"\t".join([name.encode(), b"" if other == name else other.encode(), to_json_bytes(model)])


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and bool(value)
        and " " not in value
    )


def _json_in(line: bytes) -> bytes:
    return line.split(b"\t", 2)[2]
