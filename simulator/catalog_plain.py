"""The listed models that put out no text: embeddings, rerank, images, speech, transcriptions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from simulator.model_object import model_object
from simulator.turn import Price

_SIMULATED_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class _Model:
    title: str
    output: str
    price: Price
    inputs: tuple[str, ...] = ("text",)
    context_tokens: int = 8_192
    dimensions: int = 0
    voices: tuple[str, ...] = ()


_AUDIO, _WITH_IMAGES = ("audio",), ("text", "image")
_VOICES = ("alloy", "ash", "coral", "nova", "sage")
# Prices are plausible, not current. Two embedding models have vectors of equal length in different spaces.
_MODELS: Mapping[str, _Model] = {
    "openai/text-embedding-3-small": _Model(
        "OpenAI: Text Embedding 3 Small", "embeddings", Price(20, 0), dimensions=1536
    ),
    "openai/text-embedding-ada-002": _Model(
        "OpenAI: Text Embedding Ada 002", "embeddings", Price(100, 0), dimensions=1536
    ),
    "qwen/qwen3-embedding-8b": _Model(
        "Qwen: Qwen3 Embedding 8B", "embeddings", Price(10, 0), context_tokens=32_000, dimensions=4096
    ),
    "nvidia/llama-nemotron-embed-vl-1b-v2": _Model(
        "NVIDIA: Llama Nemotron Embed VL 1B V2", "embeddings", Price(50, 0), _WITH_IMAGES, dimensions=2048
    ),
    "cohere/rerank-v3.5": _Model("Cohere: Rerank v3.5", "rerank", Price(0, 0, 2_000_000), (), 4_096),
    "cohere/rerank-4-fast": _Model("Cohere: Rerank 4 Fast", "rerank", Price(0, 0, 2_500_000), (), 32_000),
    "openai/gpt-image-1": _Model(
        "OpenAI: GPT Image 1", "image", Price(5_000, 40_000), _WITH_IMAGES, context_tokens=32_000
    ),
    "bytedance-seed/seedream-4.5": _Model(
        "ByteDance Seed: Seedream 4.5", "image", Price(0, 0, 40_000_000), _WITH_IMAGES, context_tokens=4_096
    ),
    "openai/gpt-4o-mini-tts-2025-12-15": _Model(
        "OpenAI: GPT-4o Mini TTS", "speech", Price(600, 0), context_tokens=2_000, voices=_VOICES
    ),
    "mistralai/voxtral-mini-tts-2603": _Model(
        "Mistral: Voxtral Mini TTS", "speech", Price(16_000, 0), voices=("en_paul_neutral",)
    ),
    "openai/whisper-large-v3": _Model("OpenAI: Whisper Large V3", "transcription", Price(3_000, 0), _AUDIO),
    "openai/gpt-4o-mini-transcribe": _Model(
        "OpenAI: GPT-4o Mini Transcribe", "transcription", Price(1_250, 5_000), _AUDIO, 16_000
    ),
}


@cache
def plain_models() -> Mapping[str, Mapping[str, Any]]:
    """Return the object of each of these models by id."""
    return {name: _object(name, model) for name, model in _MODELS.items()}


def output_of(model: Mapping[str, Any]) -> list[str]:
    """Return what a listed model puts out."""
    outputs: list[str] = model["architecture"]["output_modalities"]
    return outputs


def dimensions_of(model: str) -> int:
    """Return the length of a model's vectors."""
    listed = _MODELS.get(model)
    return listed.dimensions if listed and listed.dimensions else _SIMULATED_DIMENSIONS


@cache
def embedding_models_body() -> bytes:
    """Return the body of `GET /embeddings/models`."""
    data = [model for model in plain_models().values() if "embeddings" in output_of(model)]
    return json.dumps({"data": data}).encode()


@cache
def image_models_body() -> bytes:
    """Return the body of `GET /images/models`, whose objects have a form of their own."""
    data = [
        {
            "id": name,
            "name": model["name"],
            "description": model["description"],
            "created": model["created"],
            "architecture": {
                key: model["architecture"][key] for key in ("input_modalities", "output_modalities")
            },
            "supported_parameters": {
                "n": {"type": "range", "min": 1, "max": 10},
                "seed": {"type": "boolean"},
            },
            "supports_streaming": True,
            "endpoints": f"/api/v1/images/models/{name}/endpoints",
        }
        for name, model in plain_models().items()
        if "image" in output_of(model)
    ]
    return json.dumps({"data": data}).encode()


def _object(name: str, model: _Model) -> dict[str, Any]:
    limits = {"context_length": model.context_tokens, "max_completion_tokens": None, "is_moderated": False}
    return model_object(
        name,
        model.title,
        model.price,
        inputs=model.inputs or ("text",),
        outputs=(model.output,),
        context_length=model.context_tokens,
        top_provider=limits,
        supported_parameters=[],
        supported_voices=list(model.voices) or None,
    )
