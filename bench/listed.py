"""A list of models as long as OpenRouter's, for the bench's upstream and for timing plans."""

from gateway.http.json_values import Json, JsonObject

MODELS = 650
PARAMETERS: list[Json] = ["max_tokens", "temperature", "tools", "tool_choice", "response_format", "reasoning"]


def listed(model: str, index: int) -> JsonObject:
    """Return a model as OpenRouter lists it; its price depends on ``index``, and it supports tools."""
    return {
        "id": model,
        "canonical_slug": f"{model}-20260101",
        "name": f"Model {index}",
        "created": 1_760_000_000 + index,
        "description": "What OpenRouter says of a model is long. " * 10,
        "context_length": 1_000_000,
        "architecture": {
            "modality": "text->text",
            "input_modalities": ["text"],
            "output_modalities": ["text"],
            "tokenizer": "Other",
        },
        "pricing": {"prompt": f"{(index % 97 + 1) / 1e7:.8f}", "completion": f"{(index % 89 + 1) / 2e7:.8f}"},
        "top_provider": {
            "context_length": 1_000_000,
            "max_completion_tokens": 64_000,
            "is_moderated": False,
        },
        "supported_parameters": PARAMETERS,
        "expiration_date": None,
    }


def names(count: int = MODELS) -> list[str]:
    """Return the names of the made-up models."""
    return [f"author-{index % 60}/model-of-some-length-{index}" for index in range(count)]


def model_list(*more: str) -> JsonObject:
    """Return OpenRouter's list of models: ``MODELS`` made-up ones, and the models named in ``more``."""
    models: list[Json] = [listed(model, index) for index, model in enumerate([*names(), *more])]
    return {"data": models}
