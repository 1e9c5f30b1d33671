"""``POST /v1/responses``: OpenAI's Responses, as OpenRouter serves them."""

from gateway.dialects.responses.dialect import RESPONSES
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def responses(call: Call) -> HttpResponse:
    """Answer a Responses request."""
    return await generate(call, RESPONSES)
