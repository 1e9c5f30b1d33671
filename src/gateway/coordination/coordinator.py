"""The coordinator of one scope: it admits requests of all isolates, and counts what they spend."""

from collections.abc import Callable

from gateway.coordination.storage import Storage


class Coordinator:
    """Counts for all isolates. All that it knows is in its storage."""

    def __init__(self, storage: Storage, now_ms: Callable[[], int]) -> None:
        self._storage = storage
        self._now_ms = now_ms

    async def admit(self, text: str) -> str:
        """Return whether a request may begin, and what it may use."""
        del text
        return "{}"

    async def settle(self, text: str) -> str:
        """Count what requests have used."""
        del text
        return "{}"

    async def release(self, text: str) -> str:
        """Give back what a request was granted that was not sent."""
        del text
        return "{}"

    async def alarm(self) -> None:
        """Count what nobody has settled in time as spent, and delete what is no longer needed."""
