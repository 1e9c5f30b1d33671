"""Runs the coordinator of one scope inside its Durable Object."""

import time
from collections.abc import Awaitable
from typing import Any, TypeVar

from gateway.coordination.coordinator import Coordinator
from gateway.edge.bindings import log_bug
from gateway.edge.object_storage import ObjectStorage

T = TypeVar("T")


class CoordinatorObject:
    """The coordinator on the storage of its object.

    An unexpected exception is logged without its message, which may hold content. An error without content
    takes its place: it goes to the caller, and the runtime repeats an alarm that failed.

    Args:
        ctx: the object's context.
    """

    def __init__(self, ctx: Any) -> None:
        self._coordinator = Coordinator(ObjectStorage(ctx), _now_ms)

    async def call(self, method: str, text: str) -> str:
        """Return what the coordinator's ``method`` returns for ``text``."""
        reply: str = await _watched(getattr(self._coordinator, method)(text))
        return reply

    async def alarm(self) -> None:
        """Do what is due."""
        await _watched(self._coordinator.alarm())


async def _watched(work: Awaitable[T]) -> T:
    try:
        return await work
    except Exception as error:  # noqa: BLE001  # the last handler inside the object
        log_bug(error)
        raise RuntimeError(f"the coordinator failed: {type(error).__name__}") from None


def _now_ms() -> int:
    return int(time.time() * 1000)
