"""``POST /v1/messages``: Anthropic's Messages, as OpenRouter serves them."""

from gateway.dialects.messages.dialect import MESSAGES
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def messages(call: Call) -> HttpResponse:
    """Answer a Messages request."""
    return await generate(call, MESSAGES)
