"""Shared code of the mid-stream policy tests: chains of up to three models whose first stream is cut off."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.chunks import text
from tests.support.upstream import RESET, Act, stream
from tests.support.world import Answer, World

MODELS = ["a/one", "b/two", "c/three"]
HALF = stream(text("Half "), RESET)
taking_over = pytest.mark.parametrize("how", ["restart", "continue"])


def world_of(*acts: Act, models: Sequence[str] = MODELS) -> World:
    world = World()
    for model, act in zip(models, acts, strict=False):
        world.script(model, act)
    return world


async def ask(
    how: str, *acts: Act, fields: dict[str, object] | None = None, **options: object
) -> tuple[Answer, World]:
    world = world_of(*acts)
    gateway = {"on_midstream": how, **options}
    return await world.ask(*MODELS[: len(acts)], stream=True, gateway=gateway, **(fields or {})), world


def seams(got: Answer) -> list[int]:
    """Return the positions of the restart events."""
    return [
        place
        for place, each in enumerate(got.events)
        if each != "[DONE]" and each.get("gateway", {}).get("event") == "restart"
    ]


def errors(got: Answer) -> list[dict[str, Any]]:
    return [each["error"] for each in got.events if "error" in each]
