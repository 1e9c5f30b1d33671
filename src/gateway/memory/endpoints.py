"""This isolate's copies of models' endpoints: which providers serve a model, and how well they did."""

from typing import NamedTuple

from gateway.http.json_values import JsonObject

MAX_MODELS = 200
# Of JSON, for all models together. Parsed it takes several times as much of an isolate's 128 MB.
MAX_BYTES = 2 * 1024 * 1024
# The same for what callers' own keys fetched.
MAX_OWN = 50
MAX_OWN_BYTES = 512 * 1024


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
    """The endpoints that were fetched last, at most ``max_models`` models and ``max_bytes`` of JSON.

    An entry has no expiry: it stays until it is replaced or evicted. Each reader decides which age is too
    old.
    """

    def __init__(self, max_models: int = MAX_MODELS, max_bytes: int = MAX_BYTES) -> None:
        self._max_models, self._max_bytes = max_models, max_bytes
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
        while len(self._endpoints) > self._max_models or self._bytes > self._max_bytes:
            self._forget(next(iter(self._endpoints)))

    def _forget(self, model_id: str) -> None:
        removed = self._endpoints.pop(model_id, None)
        self._bytes -= len(removed.body) if removed else 0


class OwnersEndpoints(EndpointsMemory):
    """The endpoints as one caller with an OpenRouter key of its own sees them.

    It reads what the gateway's key fetched. What its own key fetched is for this caller alone: OpenRouter may
    show an account what it shows to no other.

    Args:
        shared: what the gateway's key fetched.
        own: what callers' own keys fetched.
        owner: the caller's name.
    """

    def __init__(self, shared: EndpointsMemory, own: EndpointsMemory, owner: str) -> None:
        super().__init__()
        self._shared, self._own, self._owner = shared, own, owner

    def get(self, model_id: str) -> Endpoints | None:
        """Return a model's newest endpoints that this caller may see; None if there are none."""
        found = (self._shared.get(model_id), self._own.get(f"{self._owner} {model_id}"))
        return max((each for each in found if each), key=lambda each: each.fetched_at_s, default=None)

    def put(self, model_id: str, endpoints: Endpoints) -> None:
        """Store a model's endpoints for this caller."""
        self._own.put(f"{self._owner} {model_id}", endpoints)
