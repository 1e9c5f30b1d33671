"""The minimal Python proxy that reads what it passes on: no chain, no checks, no receipt.

It parses the request; it parses a plain answer and serialises it again; and it passes each piece of a stream
through Python. It runs on the 2024 runtime only, like ``passthrough.py``.
"""

import json
from typing import Any

from js import Headers, Object, Response, TransformStream, fetch
from pyodide.ffi import create_proxy, to_js


async def on_fetch(request: Any, env: Any) -> Any:
    """Return the upstream's response to the same request, after reading both bodies."""
    path = request.url.partition("/v1")[2]
    pairs = [["content-type", "application/json"], ["authorization", f"Bearer {env.OPENROUTER_API_KEY}"]]
    body = (await request.arrayBuffer()).to_bytes()
    is_stream = json.loads(body or b"{}").get("stream")
    reply = await fetch(
        env.OPENROUTER_BASE_URL + path, method="POST", headers=Headers.new(to_js(pairs)), body=to_js(body)
    )
    if is_stream:
        return Response.new(
            reply.body.pipeThrough(_through_python()), status=reply.status, headers=reply.headers
        )
    answer = json.loads((await reply.arrayBuffer()).to_bytes())
    headers = Headers.new(to_js(pairs[:1]))
    return Response.new(to_js(json.dumps(answer).encode()), status=reply.status, headers=headers)


def _through_python() -> Any:
    """Return a transform stream that passes each piece through Python."""
    controllers = []

    def start(controller: Any) -> None:
        controllers.append(controller)

    def transform(piece: Any, _: Any) -> None:
        controllers[0].enqueue(to_js(piece.to_bytes()))

    callbacks = {"start": create_proxy(start), "transform": create_proxy(transform)}
    return TransformStream.new(to_js(callbacks, dict_converter=Object.fromEntries))
