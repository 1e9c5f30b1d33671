"""``POST /v1/rerank``: sorts documents by how well they fit a query, as OpenRouter does it."""

from gateway.dialects.rerank.dialect import RERANK
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def rerank(call: Call) -> HttpResponse:
    """Answer a rerank request."""
    return await generate(call, RERANK)
