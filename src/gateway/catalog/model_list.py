"""``GET /v1/models``: the catalogue in OpenAI's form, as bytes that have been ready since it was fetched."""

from zlib import crc32

from gateway.catalog.query import Asked
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject
from gateway.memory.catalog import Catalog


class ModelList:
    """What there is to list: entries of the gateway's own, and behind them the catalogue.

    ``extra`` are models like those of ``compact.shown``, with ids that none of OpenRouter's has. They are
    listed first, filtered and found by their id as all are, and the list's ETag changes with them.
    """

    def __init__(self, catalog: Catalog, extra: tuple[JsonObject, ...] = ()) -> None:
        self._catalog = catalog
        self._extra = extra
        self._extra_lines = [to_json_bytes(model) for model in extra]

    def find(self, model_id: str) -> JsonObject | None:
        """Return a model by its id, or as the catalogue finds it; None where there is none."""
        own = next((model for model in self._extra if model["id"] == model_id), None)
        return own or self._catalog.find(model_id)

    def tag(self, query: str) -> str:
        """Return what the answer to a query is known by: it changes only with the list, or the query."""
        parts = self._catalog.crc32, crc32(b",".join(self._extra_lines)), crc32(query.encode())
        return "-".join(f"{part:08x}" for part in parts)

    def select(self, asked: Asked) -> tuple[list[bytes], int]:
        """Return the JSON of each model on the page asked for, and how many there are on all pages."""
        lines = [*self._extra_lines, *self._catalog.shown()]
        if asked.tests or asked.order:
            models = (*self._extra, *self._catalog.models())
            chosen = [index for index, model in enumerate(models) if all(test(model) for test in asked.tests)]
            if asked.order:
                order = asked.order
                chosen.sort(key=lambda index: order(models[index]))
            lines = [lines[index] for index in chosen]
        last = None if asked.limit is None else asked.offset + asked.limit
        return lines[asked.offset : last], len(lines)


def list_body(lines: list[bytes], total: int) -> bytes:
    """Return the page in OpenAI's list form; ``total`` is how many models there are on all pages."""
    return b'{"object":"list","data":[%b],"links":{"next":null},"total_count":%d}' % (b",".join(lines), total)
