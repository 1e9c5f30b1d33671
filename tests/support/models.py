"""Lists of models as OpenRouter returns them: the recorded list, a list of any length, and single models."""

import json
from functools import cache
from typing import Any

from simulator.samples import sample
from tests.support.upstream import Act, reply

HAIKU = "anthropic/claude-haiku-4.5"


@cache
def _recorded() -> str:
    return sample("cat-01-models").text


def recorded_models() -> list[dict[str, Any]]:
    """Return a fresh copy of the recorded models."""
    models: list[dict[str, Any]] = json.loads(_recorded())["data"]
    return models


def many_models(count: int) -> dict[str, Any]:
    """Return a list of ``count`` models, each with a description as long as OpenRouter's."""
    kinds = recorded_models()
    models = [
        {
            **kinds[index % len(kinds)],
            "id": f"author-{index}/model-of-some-length-{index}",
            "description": "What OpenRouter says of a model is long. " * 20,
            "benchmarks": {"artificial_analysis": {f"index_{each}": each * 1.1 for each in range(20)}},
        }
        for index in range(count)
    ]
    return {"data": models, "total_count": count, "links": {"next": None}}


def model(name: str = "a/one", /, **fields: object) -> dict[str, Any]:
    """Return a model with this id and these fields."""
    return {"id": name, **fields}


def priced(prompt: object, completion: object = "0.000002", **more: object) -> dict[str, Any]:
    """Return a model with this price per token."""
    return model(pricing={"prompt": prompt, "completion": completion, **more})


def listing(*models: dict[str, Any]) -> Act:
    """Return an act: a list of these models; without models, the recorded list."""
    return reply(200, json.dumps({"data": list(models) or recorded_models()}).encode())
