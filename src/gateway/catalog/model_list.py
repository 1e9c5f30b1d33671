"""``ModelList``, what ``GET /v1/models`` lists: the gateway's own models and the catalogue, as JSON bytes.

The JSON of each catalogue model was built when the list was fetched. A request only joins bytes.
"""

from zlib import crc32

from gateway.catalog.query import ModelQuery
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject
from gateway.memory.catalog import Catalog


class ModelList:
    """All models that the gateway lists: its own entries, then the catalogue.

    Args:
        catalog: the copy of OpenRouter's models.
        extra: the gateway's own entries, in the form of ``catalog.compact.shown``. Their ids must not be ids
            of OpenRouter's models. They are listed first. They are filtered and found by id like all
            others, and the list's ETag changes with them.
    """

    def __init__(self, catalog: Catalog, extra: tuple[JsonObject, ...] = ()) -> None:
        self._catalog = catalog
        self._extra = extra
        self._extra_lines = [to_json_bytes(model) for model in extra]

    def find(self, model_id: str) -> JsonObject | None:
        """Return a model by its id, or as ``Catalog.find`` does; None if there is none."""
        own = next((model for model in self._extra if model["id"] == model_id), None)
        return own or self._catalog.find(model_id)

    def own_ids(self) -> list[str]:
        """Return the ids of the gateway's own entries."""
        return [str(model["id"]) for model in self._extra]

    def catalog_ids(self) -> list[str]:
        """Return the ids of OpenRouter's models, in its order."""
        return [line.partition(b"\t")[0].decode() for line in self._catalog.lines]

    def tag(self, query: str) -> str:
        """Return an ETag, without quotes, that changes only with the list or the query."""
        parts = self._catalog.crc32, crc32(b",".join(self._extra_lines)), crc32(query.encode())
        return "-".join(f"{part:08x}" for part in parts)

    def select(self, query: ModelQuery) -> tuple[list[bytes], int]:
        """Return the JSON of each model on the requested page, and the number of models on all pages."""
        lines = [*self._extra_lines, *self._catalog.shown()]
        if query.tests or query.order:
            models = (*self._extra, *self._catalog.models())
            chosen = [index for index, model in enumerate(models) if all(test(model) for test in query.tests)]
            if query.order:
                order = query.order
                chosen.sort(key=lambda index: order(models[index]))
            lines = [lines[index] for index in chosen]
        last = None if query.limit is None else query.offset + query.limit
        return lines[query.offset : last], len(lines)


def list_body(lines: list[bytes], total: int) -> bytes:
    """Return the page as an OpenAI list object; ``total`` is the number of models on all pages."""
    return b'{"object":"list","data":[%b],"links":{"next":null},"total_count":%d}' % (b",".join(lines), total)
