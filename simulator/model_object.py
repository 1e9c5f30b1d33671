"""The object of a model in the lists of models, and its prices."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.turn import Price

CREATED_S = 1_780_000_000
_CONTEXT_TOKENS = 200_000
_COMPLETION_TOKENS = 64_000
_PARAMETERS = [
    "frequency_penalty", "include_reasoning", "max_tokens", "presence_penalty", "reasoning",
    "response_format", "seed", "stop", "structured_outputs", "temperature",
    "tool_choice", "tools", "top_k", "top_p",
]  # fmt: skip


def model_object(
    name: str,
    title: str,
    price: Price,
    *,
    inputs: Sequence[str] = ("text",),
    outputs: Sequence[str] = ("text",),
    **more: object,
) -> dict[str, Any]:
    """Return the object of a model in the lists; `more` are fields that stand for the usual ones."""
    return {
        "id": name,
        "canonical_slug": name,
        "hugging_face_id": None,
        "name": title,
        "created": CREATED_S,
        "description": title,
        "context_length": _CONTEXT_TOKENS,
        "architecture": {
            "modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}",
            "input_modalities": list(inputs),
            "output_modalities": list(outputs),
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": {
            "prompt": _dollars(price.prompt_nano_usd),
            "completion": _dollars(price.completion_nano_usd),
            **({"request": _dollars(price.request_nano_usd)} if price.request_nano_usd else {}),
        },
        "top_provider": {
            "context_length": _CONTEXT_TOKENS,
            "max_completion_tokens": _COMPLETION_TOKENS,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": _PARAMETERS,
        "supported_voices": None,
        "default_parameters": None,
        "knowledge_cutoff": None,
        "expiration_date": None,
        "links": {"details": f"/api/v1/models/{name}/endpoints"},
        **more,
    }


def price_in(pricing: Mapping[str, str]) -> Price:
    """Return the prices of a model's object."""
    fields = ("prompt", "completion", "request")
    return Price(*(round(float(pricing.get(field, "0")) * 1e9) for field in fields))


def _dollars(nano_usd: int) -> str:
    return f"{nano_usd / 1e9:.9f}".rstrip("0").rstrip(".")
