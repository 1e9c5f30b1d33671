"""``POST /v1/completions``: OpenAI's older completions of a prompt, as OpenRouter serves them."""

from gateway.dialects.completions.dialect import COMPLETIONS
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def completions(call: Call) -> HttpResponse:
    """Answer a completion request."""
    return await generate(call, COMPLETIONS)
