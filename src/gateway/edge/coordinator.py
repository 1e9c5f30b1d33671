"""Calls the Durable Objects that are bound as ``COORDINATOR``; see ``coordination.port.CoordinatorPort``."""

from typing import TYPE_CHECKING, Any

from pyodide.ffi import JsException

if TYPE_CHECKING:
    from gateway.coordination.port import CoordinatorError

# What happened, by words of Cloudflare's messages; the first row that fits counts.
# Source: Cloudflare, "Durable Objects: Error handling" and "Troubleshooting".
WORDS = (
    ("free tier", "quota"),
    ("overloaded", "overloaded"),
    ("too many requests", "overloaded"),
    ("reset", "reset"),
    ("code has been updated", "reset"),
)


class Coordinators:
    """The Durable Objects bound as ``COORDINATOR``: one for each scope.

    Args:
        env: the Worker's bindings. The binding is looked up when it is first needed.
    """

    def __init__(self, env: Any) -> None:
        self._env = env

    @property
    def bound(self) -> bool:
        """Whether the binding exists."""
        return bool(getattr(self._env, "COORDINATOR", None))

    async def call(self, scope: str, method: str, text: str) -> str:
        """Call a method of the scope's object with a text; return the text that it returns.

        A reply that comes after this call was cancelled is dropped.

        Raises:
            CoordinatorError: there was no reply, or it is no text.
        """
        try:
            objects = self._env.COORDINATOR
            # A stub does not recover from every error: each call takes a new one, which costs no round trip.
            stub = objects.get(objects.idFromName(scope))
            reply = await getattr(stub, method)(text)
        except JsException as error:
            raise _error(_what_happened(error)) from None
        if not isinstance(reply, str):
            raise _error("failed")
        return reply


def _error(what: str) -> "CoordinatorError":
    from gateway.coordination.port import CoordinatorError  # noqa: PLC0415  # most isolates call no coordinator

    return CoordinatorError(what)


def _what_happened(error: JsException) -> str:
    """Return one word for an error of a call; its message may hold content, and goes nowhere."""
    if getattr(error, "overloaded", False):
        return "overloaded"
    if getattr(error, "remote", False):  # raised by the object's own code
        return "failed"
    message = str(getattr(error, "message", "")).lower()
    for words, what in WORDS:
        if words in message:
            return what
    return "unreachable" if getattr(error, "retryable", False) else "failed"
