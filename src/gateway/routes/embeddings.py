"""``POST /v1/embeddings``: vectors for texts, as OpenAI and OpenRouter make them."""

from gateway.answer_cache.part_reuse import PartReuse
from gateway.dialects.embeddings.dialect import EMBEDDINGS
from gateway.dialects.embeddings.parts import PARTS
from gateway.fallback.receipt import Receipt
from gateway.http.body import HttpResponse
from gateway.pipeline.call import Call
from gateway.pipeline.prepared import Prepared
from gateway.routes.generate import generate


async def embeddings(call: Call) -> HttpResponse:
    """Answer a request for embeddings."""
    return await generate(call, EMBEDDINGS, _reuse)


def _reuse(call: Call, prepared: Prepared, receipt: Receipt) -> PartReuse:
    return PartReuse(call, prepared, receipt, PARTS)
