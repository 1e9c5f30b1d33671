"""The port to the coordinators: how an isolate reaches the coordinator of a scope."""

from typing import Protocol


class CoordinatorError(Exception):
    """A coordinator did not answer.

    Attributes:
        what: what happened: ``overloaded``, ``unreachable``, ``reset``, ``quota`` (the plan's requests of the
            day are used up) or ``failed`` (the coordinator's own code raised).
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class CoordinatorPort(Protocol):
    """Calls the coordinator of a scope. Optional: the gateway answers requests without it."""

    @property
    def bound(self) -> bool:
        """Whether coordinators are bound."""

    async def call(self, scope: str, method: str, text: str) -> str:
        """Return the reply of a scope's coordinator, as JSON text.

        Args:
            scope: the name of what is counted together; each scope has a coordinator of its own.
            method: ``admit``, ``settle`` or ``release``.
            text: JSON.

        Raises:
            CoordinatorError: there was no reply.
        """
