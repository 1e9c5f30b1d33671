"""The Worker's entry points: its ``fetch`` and cron events, and its Durable Object.

Requests go on to ``gateway.app.handle``, the object's calls to ``gateway.edge.durable_object``.
"""

from typing import TYPE_CHECKING, Any

from js import Response

from gateway.app import handle, run_cron
from gateway.edge.alarm import Alarm
from gateway.edge.bindings import MEMORY, Work, log_bug, ports_of, read_settings
from gateway.edge.convert import Incoming, to_failure, to_response
from gateway.edge.lifeline import Lifeline

if TYPE_CHECKING:
    from gateway.edge.durable_object import CoordinatorObject

CLIENT_CLOSED_REQUEST = 499  # nginx's status for a client that has disconnected; the client never receives it


def serve(request: Any, env: Any, ctx: Any, signal: Any = None) -> Any:
    """Return a promise of the response to a JavaScript request.

    An unexpected exception is logged and answered with status 500.

    Args:
        request: the JavaScript request.
        env: the Worker's bindings.
        ctx: the execution context.
        signal: fires when the client disconnects; None on a runtime where no signal fires.
    """
    alarm = Alarm()
    lifeline = Lifeline(ctx, log_bug, alarm.stop, signal)

    async def answer() -> Any:
        incoming = Incoming(request, alarm)
        ports = ports_of(env, lifeline.run_in_background, alarm)
        response = await handle(incoming.to_core(), lambda: read_settings(env), ports, MEMORY)
        await incoming.read_what_is_left()
        return to_response(response, lifeline)

    def without_answer() -> Any:
        return Response.new(None, status=CLIENT_CLOSED_REQUEST) if lifeline.client_gone else to_failure()

    return lifeline.start(answer(), otherwise=without_answer)


try:
    from workers import DurableObject, WorkerEntrypoint
except ImportError:  # the 2024 runtime has no SDK: it calls a global handler with raw objects

    def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
        """Serve a request on the 2024 runtime. A request's signal never fires there, so none is passed."""
        return serve(request, env, ctx)

else:

    class Default(WorkerEntrypoint):  # type: ignore[misc]  # mypy runs without the SDK
        """Serves requests on every runtime since 2025."""

        async def fetch(self, request: Any) -> Any:
            """Serve a request. It removes the SDK's wrappers: raw objects are the same on every runtime."""
            raw = request.js_object
            return await serve(raw, getattr(self.env, "_env", self.env), self.ctx, raw.signal)

        async def scheduled(self, controller: Any, env: Any = None, ctx: Any = None) -> None:
            """Do the cron trigger's work; see ``app.run_cron``. The runtime passes only the controller."""
            raw = getattr(self.env, "_env", self.env)
            works, alarm = list[Work](), Alarm()
            try:
                await run_cron(read_settings(raw), ports_of(raw, works.append, alarm), MEMORY)
                for work in works:
                    await work()
            finally:
                alarm.stop()

    class Coordinator(DurableObject):  # type: ignore[misc]  # mypy runs without the SDK
        """Counts budgets and limits for all isolates, one object for each scope. It speaks JSON."""

        _object: "CoordinatorObject | None" = None

        async def admit(self, text: str) -> str:
            """Ask for a request; see ``coordination.coordinator.Coordinator.admit``."""
            return await self._made().call("admit", text)

        async def settle(self, text: str) -> str:
            """Say what a request has cost; see ``coordination.coordinator.Coordinator.settle``."""
            return await self._made().call("settle", text)

        async def release(self, text: str) -> str:
            """Give back a request that was not sent; see ``coordination.coordinator.Coordinator.release``."""
            return await self._made().call("release", text)

        async def alarm(self, info: Any = None) -> None:
            """Do what is due. The runtime may call it more than once for one alarm."""
            await self._made().alarm()

        def _made(self) -> "CoordinatorObject":
            """Return the object's coordinator; the first call imports it and makes it."""
            if not self._object:
                from gateway.edge.durable_object import CoordinatorObject  # noqa: PLC0415  # most isolates never need it

                self._object = CoordinatorObject(self.ctx)
            return self._object
