"""The listed models: their objects in `/models`, their endpoints, and their prices per token."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from simulator.behaviours import listed
from simulator.catalog_plain import output_of, plain_models
from simulator.model_object import CREATED_S, model_object, price_in
from simulator.rows_answering import HEALTHY
from simulator.samples import sample
from simulator.turn import PROVIDER, Price

FREE = Price(0, 0)
SIMULATED = Price(1_000, 2_000)

# Prices without a sample are round on purpose: tests need plausible prices, not current ones.
_REAL_LOOKING = {
    "anthropic/claude-sonnet-4.6": ("Anthropic: Claude Sonnet 4.6", Price(3_000, 15_000)),
    "openai/gpt-5.4-mini": ("OpenAI: GPT-5.4 Mini", Price(750, 4_500)),
    "openai/gpt-oss-120b": ("OpenAI: gpt-oss-120b", Price(100, 400)),
    "google/gemini-3.8-flash": ("Google: Gemini 3.8 Flash", Price(300, 2_500)),
    "deepseek/deepseek-v4-pro": ("DeepSeek: DeepSeek V4 Pro", Price(400, 1_600)),
    "qwen/qwen3.8-27b": ("Qwen: Qwen3.8 27B", Price(300, 1_700)),
    "z-ai/glm-5.3-flash": ("Z.AI: GLM 5.3 Flash", Price(200, 800)),
    "z-ai/glm-5.3": ("Z.AI: GLM 5.3", Price(600, 2_200)),
    "anthropic/claude-opus-5.5": ("Anthropic: Claude Opus 5.5", Price(5_000, 25_000)),
    "openai/gpt-6.1-sol": ("OpenAI: GPT-6.1 Sol", Price(2_000, 12_000)),
    "openai/gpt-6-luna": ("OpenAI: GPT-6 Luna", Price(100, 500)),
    "google/gemini-3.1-pro-preview": ("Google: Gemini 3.1 Pro Preview", Price(2_000, 12_000)),
    "deepseek/deepseek-v4-flash": ("DeepSeek: DeepSeek V4 Flash", Price(150, 400)),
}
# Routers and aliases name a concrete model in their answers.
_SERVED_BY = {
    "openrouter/auto": "openai/gpt-5.4-mini",
    "~anthropic/claude-sonnet-latest": "anthropic/claude-sonnet-4.6",
    "~anthropic/claude-opus-latest": "anthropic/claude-opus-5.5",
    "~anthropic/claude-haiku-latest": "anthropic/claude-haiku-4.5",
    "~openai/gpt-latest": "openai/gpt-6.1-sol",
    "~openai/gpt-luna-latest": "openai/gpt-6-luna",
    "~google/gemini-flash-latest": "google/gemini-3.8-flash",
    "~google/gemini-pro-latest": "google/gemini-3.1-pro-preview",
    "~z-ai/glm-latest": "z-ai/glm-5.3",
    "~z-ai/glm-flash-latest": "z-ai/glm-5.3-flash",
}
# It sends nothing but comments for so long that only a model that is known to reason is waited for.
_LONG_REASONING = "sim/reasons-50000ms"
LIKE_OPENROUTERS = 650


def served_by(model: str) -> str:
    """Return the slug that an answer to this model names as the model that served it."""
    return _SERVED_BY.get(model, model)


def price_of(model: str) -> Price:
    """Return the price per token of this model; unlisted models have the price of simulated models."""
    if model.endswith(":free"):
        return FREE
    listed = known(served_by(model))
    return SIMULATED if listed is None else price_in(listed["pricing"])


def known(model: str) -> Mapping[str, Any] | None:
    """Return the object of a model in any of the lists; None if it is in none."""
    return many_models().get(model) or plain_models().get(model)


def serves(model: str, output: str) -> bool:
    """Return whether a model is listed and puts this out."""
    listed = known(model)
    return listed is not None and output in output_of(listed)


@cache
def models() -> Mapping[str, Mapping[str, Any]]:
    """Return every model object by id: the healthy simulated ones, the recorded ones, and realistic ones."""
    recorded = {entry["id"]: entry for entry in json.loads(sample("cat-01-models").text)["data"]}
    simulated = {name: _simulated(name) for name in [*listed(HEALTHY), _LONG_REASONING]}
    free = {"sim/ok:free": model_object("sim/ok:free", "Simulator: ok (free)", FREE)}
    real_looking = {name: model_object(name, title, price) for name, (title, price) in _REAL_LOOKING.items()}
    concrete = simulated | free | recorded | real_looking
    aliases = {
        alias: _alias(alias, concrete[target])
        for alias, target in _SERVED_BY.items()
        if alias.startswith("~")
    }
    return aliases | concrete


@cache
def many_models() -> Mapping[str, Mapping[str, Any]]:
    """Return as many model objects as OpenRouter has, by id: those of `models`, and made-up ones."""
    numbers = range(LIKE_OPENROUTERS - len(models()))
    made_up = {f"made-up-{number % 60}/model-of-some-length-{number}": number for number in numbers}
    return {**models(), **{name: _wordy(name, number) for name, number in made_up.items()}}


@cache
def models_body(outputs: str | None = None, *, many: bool = False) -> bytes:
    """Return the body of `GET /models`.

    Args:
        outputs: the query's `output_modalities`: words with commas between them, or `all`; as at OpenRouter,
            only models that put out text are listed without it.
        many: whether as many models are listed as OpenRouter has.
    """
    wanted = set((outputs or "text").split(","))
    listed = [*(many_models() if many else models()).values(), *plain_models().values()]
    data = [model for model in listed if "all" in wanted or wanted & set(output_of(model))]
    return json.dumps({"data": data, "links": {"next": None}, "total_count": len(data)}).encode()


def endpoints_body(model: str) -> bytes | None:
    """Return the body of `GET /models/{author}/{slug}/endpoints`; None if the model is not listed."""
    recorded = sample("cat-02-endpoints").text
    if json.loads(recorded)["data"]["id"] == model:
        return recorded.encode()
    listed = known(model)
    if listed is None:
        return None
    data = {key: listed[key] for key in ("id", "name", "created", "description", "architecture")}
    return json.dumps({"data": {**data, "endpoints": [_endpoint(listed)]}}).encode()


def _alias(name: str, target: Mapping[str, Any]) -> dict[str, Any]:
    return model_object(name, f"{target['name']} (latest)", price_in(target["pricing"]))


def _simulated(name: str) -> dict[str, Any]:
    outputs = ("text", "image") if name == "sim/image" else ("text",)
    model = model_object(name, f"Simulator: {name[4:]}", SIMULATED, outputs=outputs)
    return {**model, "reasoning": {"mandatory": True}} if name.startswith("sim/reasons-") else model


def _wordy(name: str, number: int) -> dict[str, Any]:
    price = Price(50 * (number % 400), 200 * (number % 400))
    return {
        **model_object(name, f"Made up: model {number} of a name of some length", price),
        "created": CREATED_S + number,
        "description": "What a provider says of its model takes a paragraph. " * 16,
        "context_length": 8_000 * (1 + number % 125),
        "default_parameters": {"temperature": None, "top_p": None, "frequency_penalty": None},
        "benchmarks": {"artificial_analysis": {f"index_{each}": each * 1.1 for each in range(20)}},
    }


def _endpoint(model: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{PROVIDER} | {model['canonical_slug']}",
        "model_id": model["id"],
        "model_name": model["name"],
        "context_length": model["context_length"],
        "pricing": {**model["pricing"], "discount": 0},
        "provider_name": PROVIDER,
        "tag": "simulator",
        "quantization": "unknown",
        "max_completion_tokens": model["top_provider"]["max_completion_tokens"],
        "max_prompt_tokens": None,
        "supported_parameters": model["supported_parameters"],
        "supports_tool_choice": {"none": True, "auto": True, "required": True, "function": True},
        "status": 0,
        "uptime_last_5m": 99.9,
        "uptime_last_30m": 99.9,
        "uptime_last_1d": 99.9,
        "supports_implicit_caching": False,
        "supports_diarization": False,
        "native_tools": {},
        "service_tier": None,
        "latency_last_30m": {"p50": 20, "p75": 30, "p90": 40, "p99": 90},
        "throughput_last_30m": {"p50": 900, "p75": 1000, "p90": 1100, "p99": 1200},
    }
