"""A test environment whose background work runs at once, as on Workers, and not when a test lets it run."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from gateway.memory.ports import Ports
from tests.support.world import World


@dataclass(slots=True)
class LiveWorld(World):
    """A world that starts background work in a task.

    Attributes:
        tasks: all tasks that were started.
    """

    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def ports(self) -> Ports:
        """The ports; their background work begins at once."""
        return replace(super(LiveWorld, self).ports, run_in_background=self._start)

    def _start(self, work: Callable[[], Awaitable[object]]) -> None:
        async def run() -> None:
            await work()

        self.tasks.append(asyncio.get_running_loop().create_task(run()))

    async def settle(self) -> None:
        """Wait for all background work."""
        while pending := [task for task in self.tasks if not task.done()]:
            await asyncio.wait(pending)
        for task in self.tasks:
            task.result()
