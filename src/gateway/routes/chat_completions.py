"""``POST /v1/chat/completions``: OpenAI's chat completions, as OpenRouter serves them."""

from gateway.dialects.chat.dialect import CHAT
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def chat_completions(call: Call) -> HttpResponse:
    """Answer a chat request."""
    return await generate(call, CHAT)
