"""``POST /v1/images``, and ``/v1/images/generations`` as OpenAI's SDKs call it: pictures for a prompt."""

from gateway.dialects.images.dialect import IMAGES
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.routes.generate import generate


async def images(call: Call) -> HttpResponse:
    """Answer a request for images."""
    return await generate(call, IMAGES)
