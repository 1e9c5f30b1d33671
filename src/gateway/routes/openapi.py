"""``GET /openapi.json``: the gateway's API as an OpenAPI 3.1 document."""

from gateway.http.body import HttpResponse
from gateway.http.responses import respond_json
from gateway.openapi.document import openapi
from gateway.pipeline.call import Call
from gateway.routes.health import VERSION


async def show_openapi(call: Call) -> HttpResponse:
    """``GET /openapi.json``: return the document; it needs no key."""
    return respond_json(200, openapi(VERSION), call.frame, (("cache-control", "public, max-age=300"),))
