"""This isolate's copies of models' endpoints: which providers serve a model, and how well they did."""

from typing import NamedTuple

from gateway.http.json_values import JsonObject

MAX_MODELS = 200
# Of JSON, for all models together. Parsed it takes several times as much of an isolate's 128 MB.
MAX_BYTES = 2 * 1024 * 1024


class Endpoints(NamedTuple):
    """One model's endpoints, as OpenRouter listed them.

    Attributes:
        fetched_at_s: when they were fetched, in Unix time.
        payload: the ``data`` field of OpenRouter's answer, and no other. Requests share it: do not change it.
        body: the same as JSON bytes.
    """

    fetched_at_s: float
    payload: JsonObject
    body: bytes


class EndpointsMemory:
    """The endpoints that were fetched last, at most ``MAX_MODELS`` models and ``MAX_BYTES`` of JSON.

    An entry has no expiry: it stays until it is replaced or evicted. Each reader decides which age is too
    old.
    """

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoints] = {}
        self._bytes = 0

    def get(self, model_id: str) -> Endpoints | None:
        """Return a model's endpoints, of whatever age; None if there are none."""
        return self._endpoints.get(model_id)

    def put(self, model_id: str, endpoints: Endpoints) -> None:
        """Store a model's endpoints, and evict the oldest entries above the limits."""
        self._forget(model_id)
        self._endpoints[model_id] = endpoints
        self._bytes += len(endpoints.body)
        while len(self._endpoints) > MAX_MODELS or self._bytes > MAX_BYTES:
            self._forget(next(iter(self._endpoints)))

    def _forget(self, model_id: str) -> None:
        removed = self._endpoints.pop(model_id, None)
        self._bytes -= len(removed.body) if removed else 0
