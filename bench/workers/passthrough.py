"""The minimal Python proxy: it fetches the upstream and returns its body.

It runs on the 2024 runtime only, which looks for a global handler and passes raw JavaScript objects.
"""

from typing import Any

from js import Headers, Response, fetch
from pyodide.ffi import to_js


async def on_fetch(request: Any, env: Any) -> Any:
    """Return the upstream's response to the same request."""
    path = request.url.partition("/v1")[2]
    pairs = [["content-type", "application/json"], ["authorization", f"Bearer {env.OPENROUTER_API_KEY}"]]
    body = await request.arrayBuffer()
    reply = await fetch(
        env.OPENROUTER_BASE_URL + path, method="POST", headers=Headers.new(to_js(pairs)), body=body
    )
    return Response.new(reply.body, status=reply.status, headers=reply.headers)
