"""Decides for whom a request's faults are remembered: for all callers, or for its own caller alone."""

from gateway.dialects.model_request import ModelRequest
from gateway.memory.cooldowns import SHARED, Cooldowns, CooldownScope
from gateway.routing.chain import Candidate, Plan
from gateway.settings.caller import Caller


def cooldowns_of(caller: Caller, request: ModelRequest, planned: Plan, cooldowns: Cooldowns) -> Cooldowns:
    """Return the isolate's cooldowns as one request sees and changes them.

    What OpenRouter refuses an account of the caller's own says nothing to anybody else. What it refuses
    under the caller's own preferences says nothing about the model's other endpoints. What it refuses under
    a task route's price ceiling applies to all who use that ceiling.
    """
    owner = f"own {caller.own_key_digest}" if caller.own_key else ""
    preferences = request.requirements.preferences
    narrowed = {}
    for candidate in planned.chain:
        ceiling = _ceiling_of(candidate)
        if preferences or ceiling:
            whose = owner or (caller.name if preferences else "")
            narrowed[candidate.model] = (whose, preferences + ceiling)
    base: CooldownScope = (owner, "") if owner else SHARED
    return cooldowns.of_request(base, narrowed)


def _ceiling_of(candidate: Candidate) -> str:
    """Return the price ceiling of the candidate's task route as text; empty if it has none."""
    return str(candidate.max_price.to_json()) if candidate.max_price else ""
