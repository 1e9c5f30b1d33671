"""``POST /v1/messages/count_tokens``: estimates how many tokens a Messages request has, without any call.

OpenRouter has no such endpoint. The estimate comes from the body's bytes and the kinds of its content. How
many bytes make a token is taken from the usage of the newest requests to models of the same author.
"""

from math import ceil

from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.prompt_tokens import IMAGE_TOKENS_LIKELY
from gateway.http.body import HttpResponse
from gateway.http.json_values import JsonObject
from gateway.http.responses import respond_json
from gateway.pipeline.call import Call
from gateway.pipeline.read_request import parse, read_body
from gateway.settings.task_names import task_of
from gateway.settings.task_routes import PREFIX

# A page of a document has some 2,000 tokens as text and picture, and some 100 KB in base64.
# Source: Anthropic "PDF support": 1,500 to 3,000 tokens a page, and the page as an image.
DOCUMENT_BYTES = 50
NO_STORE = (("cache-control", "no-store"),)


async def count_tokens(call: Call) -> HttpResponse:
    """Return the estimated ``input_tokens`` of a Messages request, and how good the estimate is.

    Raises:
        GatewayError: the body is not a valid request.
    """
    request = parse(call, MESSAGES, await read_body(call))
    model = request.models[0] if request.models else next(iter(call.settings.default_chain), "")
    model = task_of(model) or model
    if model.startswith(PREFIX) and (route := call.settings.task_routes.get(model)):
        model = route.models[0]
    prompt, known = request.requirements.tokens, call.memory.prompt_sizes.bytes_per_token(model)
    text_tokens = ceil(prompt.text_bytes / known.ratio)
    other_tokens = prompt.images * IMAGE_TOKENS_LIKELY + ceil(prompt.other_bytes / DOCUMENT_BYTES)
    estimate: JsonObject = {
        "estimated": True,
        "bytes_per_token": round(known.ratio, 3),
        "samples": known.samples,
        "error": None if known.error is None else round(known.error, 3),
    }
    counted: JsonObject = {"input_tokens": max(1, text_tokens + other_tokens), "gateway": estimate}
    return respond_json(200, counted, call.frame, NO_STORE)
