"""``POST /v1/audio/speech``: a text that a model speaks. The answer is audio."""

from gateway.dialects.speech.dialect import SPEECH
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def speech(call: Call) -> HttpResponse:
    """Answer a request for speech."""
    return await generate(call, SPEECH)
