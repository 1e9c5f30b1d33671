"""The Worker: one request in, one response out. Follow it from here into ``gateway.app.handle``."""

import asyncio
import json
from typing import Any

from js import Headers, Response
from pyodide.ffi import to_js

from gateway.app import handle
from gateway.edge.bindings import PORTS, read_settings, write_log
from gateway.edge.convert import to_request, to_response
from gateway.edge.lifeline import Lifeline
from gateway.errors import GatewayError

CLIENT_CLOSED_REQUEST = 499  # nginx's status for it; the client is gone and never sees it


async def serve(request: Any, env: Any, ctx: Any) -> Any:
    """Return the response to a JavaScript request; a fault that nobody foresaw is a logged 500."""
    lifeline = Lifeline(request, ctx)

    async def answer() -> Any:
        response = await handle(to_request(request), lambda: read_settings(env), PORTS)
        return to_response(response, lifeline)

    try:
        return await lifeline.start(answer())
    except asyncio.CancelledError:
        return Response.new(None, status=CLIENT_CLOSED_REQUEST)
    except Exception as error:  # noqa: BLE001  # the last resort
        return _internal_error(error)


def _internal_error(error: Exception) -> Any:
    """Log where an unforeseen fault happened, never what it held, and answer in the one shape."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    write_log("internal_error", error=type(error).__name__, where=where)
    fault = GatewayError("internal_error", "The gateway failed. Its log says where.")
    headers = Headers.new(to_js([["content-type", "application/json"], ["x-should-retry", "false"]]))
    return Response.new(to_js(json.dumps(fault.to_json()).encode()), status=500, headers=headers)


try:
    from workers import WorkerEntrypoint
except ImportError:  # the 2024 runtime has no SDK: it looks for a global handler and passes raw objects

    async def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
        """Serve a request on the 2024 runtime."""
        return await serve(request, env, ctx)

else:

    class Default(WorkerEntrypoint):  # type: ignore[misc]  # the SDK is not there when types are checked
        """Serves requests on every runtime since 2025."""

        async def fetch(self, request: Any) -> Any:
            """Serve a request; the SDK's wrappers come off, since raw objects behave alike everywhere."""
            return await serve(request.js_object, getattr(self.env, "_env", self.env), self.ctx)
