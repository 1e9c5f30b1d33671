"""The Worker's entry point: receives ``fetch`` and cron events. Requests go on to ``gateway.app.handle``."""

from typing import Any

from js import Response

from gateway.app import handle, run_cron
from gateway.edge.alarm import Alarm
from gateway.edge.bindings import MEMORY, Work, log_bug, ports_of, read_settings
from gateway.edge.convert import Incoming, to_failure, to_response
from gateway.edge.lifeline import Lifeline

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
    from workers import WorkerEntrypoint
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
