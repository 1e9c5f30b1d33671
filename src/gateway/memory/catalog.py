"""This isolate's copy of OpenRouter's model list (the catalogue), and the state of its refresh."""

from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import JsonObject

# Variants that route to the same model. Other variants, such as `:free`, are separate models.
# Source: OpenRouter "Model variants".
DYNAMIC_VARIANTS = (":nitro", ":floor", ":exacto", ":online")


class Catalog:
    """A copy of the model list.

    It is plain data that all requests of an isolate share. Callers must not change what it returns. A stored
    copy may hold a line whose JSON is not this model. It is found out when the line is needed: the model then
    counts as not listed, and the copy as damaged.

    Attributes:
        fetched_at_s: when it was fetched from OpenRouter, in Unix time.
        crc32: the checksum of its models. It changes only when the list of models changes.
        is_damaged: whether a line was found that is not usable. Such a copy must be replaced.
    """

    __slots__ = (
        "_indices",
        "_is_checked",
        "_lines",
        "_models",
        "_parsed",
        "crc32",
        "fetched_at_s",
        "is_damaged",
    )

    def __init__(
        self, fetched_at_s: float, lines: tuple[bytes, ...], crc32: int, *, is_checked: bool = False
    ) -> None:
        """Make a copy of lines in the form of ``catalog.stored_catalog``.

        ``is_checked`` says that the JSON of all of them is known to be usable.
        """
        self.fetched_at_s = fetched_at_s
        self.crc32 = crc32
        self.is_damaged = False
        self._is_checked = is_checked
        self._lines = lines
        self._indices: dict[str, int] = {}
        self._parsed: dict[int, JsonObject | None] = {}
        self._models: tuple[JsonObject, ...] | None = None

    def __len__(self) -> int:
        return len(self._lines)

    def age_s(self, now_s: float) -> float:
        """Return the age of the copy in seconds, 0 or more."""
        return max(0.0, now_s - self.fetched_at_s)

    def find(self, model: str) -> JsonObject | None:
        """Return a model by its id or its canonical slug; None if it is not listed. The id is tried first.

        If a name with a dynamic variant (``DYNAMIC_VARIANTS``) is not listed, the model without the variant
        is returned.
        """
        index = self._index_of(model)
        if index is None and model.endswith(DYNAMIC_VARIANTS):
            index = self._index_of(model.rpartition(":")[0])
        if index is None:
            return None
        if self._models is not None:
            return self._models[index]
        if index not in self._parsed:
            self._parsed[index] = found = _model_in(self._lines[index])
            self.is_damaged = self.is_damaged or found is None
        return self._parsed[index]

    def id_of(self, name: str) -> str | None:
        """Return the id of the model with this id, or else of the only one with this canonical slug.

        None: there is no such model, or several have the slug.
        """
        index = self._index_of(name)
        if index is None:
            return None
        found = self._lines[index].partition(b"\t")[0].decode()
        if found == name:
            return found
        same = sum(line.split(b"\t", 2)[1] == name.encode() for line in self._lines)
        return found if same == 1 else None

    def authors_of(self, slug: str) -> set[str]:
        """Return the authors of the models whose id or canonical slug has this name behind the slash."""
        ending = f"/{slug}"
        self._index_of(slug)  # so that there is an index
        return {name.partition("/")[0].lstrip("~") for name in self._indices if name.endswith(ending)}

    def ids_of(self, slug: str) -> tuple[str, ...]:
        """Return the ids of the models that have this name behind the slash, whoever their author is.

        If no id has the name, canonical slugs count; then the name without a dynamic variant.
        """
        names = [line.split(b"\t", 2)[:2] for line in self._lines]
        bare = slug.rpartition(":")[0] if slug.endswith(DYNAMIC_VARIANTS) else slug
        for ending in dict.fromkeys((f"/{slug}".encode(), f"/{bare}".encode())):
            for kind in (0, 1):
                found = tuple(each[0].decode() for each in names if each[kind].endswith(ending))
                if found:
                    return found
        return ()

    def check(self) -> bool:
        """Return whether every line is usable. The first call parses all, and removes those that are not."""
        if not self._is_checked:
            usable = tuple(line for line in self._lines if _model_in(line) is not None)
            if len(usable) < len(self._lines):
                self.is_damaged = True
                self._lines = usable
                self._indices.clear()
                self._parsed.clear()
            self._is_checked = True
        return not self.is_damaged

    def shown(self) -> list[bytes]:
        """Return every model's JSON, in OpenRouter's order."""
        self.check()
        return [_json_in(line) for line in self._lines]

    def models(self) -> tuple[JsonObject, ...]:
        """Return every model, in the order of ``shown``. The first call parses all of them."""
        if self._models is None:
            self.check()
            self._models = tuple(found for line in self._lines if (found := _model_in(line)) is not None)
            self._parsed.clear()
        return self._models

    @property
    def lines(self) -> tuple[bytes, ...]:
        """The stored line of each model, in OpenRouter's order. See ``catalog.stored_catalog``."""
        return self._lines

    def _index_of(self, name: str) -> int | None:
        if not self._indices:
            names = [line.split(b"\t", 2)[:2] for line in self._lines]
            slugs = {slug.decode(): index for index, (_, slug) in enumerate(names) if slug}
            self._indices = slugs | {model_id.decode(): index for index, (model_id, _) in enumerate(names)}
        return self._indices.get(name)


@dataclass(slots=True)
class CatalogMemory:
    """One isolate's copy of the catalogue, and which of its requests is reading or fetching it.

    The state is plain numbers (Unix time), because requests can share numbers but not asyncio objects.

    Attributes:
        catalog: the copy; None until there is one.
        looked_at_s: when KV was last read, whether or not that succeeded.
        looking_until_s: until when at most a request is reading KV; 0 if no request is.
        fetching_until_s: until when at most a request is fetching the list; 0 if no request is.
        fetches_ended: how many fetches succeeded or failed. Cancelled fetches do not count.
        retry_at_s: OpenRouter has just failed: no request fetches in the background before this time.
        damaged_crc32: the checksum of a stored copy that was found damaged, and is not used again.
    """

    catalog: Catalog | None = None
    looked_at_s: float = float("-inf")
    looking_until_s: float = 0.0
    fetching_until_s: float = 0.0
    fetches_ended: int = 0
    retry_at_s: float = 0.0
    damaged_crc32: int | None = None


def _json_in(line: bytes) -> bytes:
    """Return the model's JSON, the third of the fields that tabs separate in a stored line."""
    return line.split(b"\t", 2)[2]


def _model_in(line: bytes) -> JsonObject | None:
    """Return the model of a stored line; None if its JSON is not this model."""
    try:
        model = parse_json(_json_in(line))
    except ValueError:
        return None
    is_named = isinstance(model, dict) and model.get("id") == line.partition(b"\t")[0].decode()
    return model if isinstance(model, dict) and is_named else None
