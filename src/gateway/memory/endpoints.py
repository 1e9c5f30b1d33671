"""What an isolate remembers of models' endpoints: who serves a model, and how well it did."""

from typing import NamedTuple

from gateway.http.json_values import JsonObject

MAX_MODELS = 200
# Of JSON; parsed it takes several times as much, of the 128 MB that an isolate has.
MAX_BYTES = 2 * 1024 * 1024


class Endpoints(NamedTuple):
    """A model's endpoints as they were, at ``fetched_at_s`` (Unix time).

    Attributes:
        payload: OpenRouter's answer, of which only ``data`` is kept. Others read it too: do not change it.
        body: the same, as JSON.
    """

    fetched_at_s: float
    payload: JsonObject
    body: bytes


class EndpointsMemory:
    """The answers that came last, each until it is replaced or others need its place.

    Of whatever age they are: for whom that is too old is for the reader to say.
    """

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoints] = {}
        self._bytes = 0

    def get(self, model_id: str) -> Endpoints | None:
        """Return what is remembered of a model, or None."""
        return self._endpoints.get(model_id)

    def put(self, model_id: str, endpoints: Endpoints) -> None:
        """Remember a model's endpoints; the oldest of other models make room."""
        self._forget(model_id)
        self._endpoints[model_id] = endpoints
        self._bytes += len(endpoints.body)
        while len(self._endpoints) > MAX_MODELS or self._bytes > MAX_BYTES:
            self._forget(next(iter(self._endpoints)))

    def _forget(self, model_id: str) -> None:
        gone = self._endpoints.pop(model_id, None)
        self._bytes -= len(gone.body) if gone else 0
