"""How long a stream's first progress is waited for while another model is ready."""

from collections.abc import Callable

from gateway.dialects.model_request import ModelRequest
from gateway.dialects.requirements import FREE_PLUGINS, Requirements
from gateway.http.json_values import JsonObject, list_or_empty
from gateway.http.message import OPENROUTER
from gateway.routing.chain import Candidate, TimeLimit
from gateway.routing.signals import Signals
from gateway.settings.patience import LEAST_FIRST_TOKEN_S, Patience
from gateway.settings.upstreams import DIRECT

# A prompt with more tokens takes a model long to read. A file that is only linked may be as long.
LONG_PROMPT_TOKENS = 50_000
UNMEASURED = "no measurements yet"
# Such a stream is as silent as a plain answer, so it may take as long as one.
UNSEEN = "the model reasons unseen"


def first_token_limit(
    candidate: Candidate, request: ModelRequest, signals: Signals, patience: Patience
) -> TimeLimit:
    """Return the time limit for the first progress of a model's stream, if another model is ready."""
    usual = signals.usual_first_token(candidate)
    limit_s, because = patience.unmeasured_s, UNMEASURED
    if usual is not None:
        limit_s, because = usual.ms / 1000 * patience.factor, f"{patience.factor} times {usual.source}"
        if limit_s < LEAST_FIRST_TOKEN_S:
            limit_s, because = LEAST_FIRST_TOKEN_S, f"{because}, at least {LEAST_FIRST_TOKEN_S:.0f} s"
    if limit_s < patience.plain_s and request.requirements.hides_reasoning:
        return TimeLimit(name="first_token", s=patience.plain_s, because=UNSEEN)
    if limit_s < patience.slow_s:
        listed = _listed(candidate, signals)
        slow = next((why for why, is_slow in SLOW if is_slow(candidate, listed, request.requirements)), None)
        if slow is not None:
            limit_s, because = patience.slow_s, slow
    return TimeLimit(name="first_token", s=limit_s, because=because)


def _listed(candidate: Candidate, signals: Signals) -> JsonObject | None:
    """Return the model's catalogue entry; for a direct upstream's model that of the same name, if any."""
    if signals.catalog is None:
        return None
    is_direct = candidate.upstream != OPENROUTER
    return signals.catalog.find(candidate.model.removeprefix(DIRECT) if is_direct else candidate.asked)


def _reasons(_: Candidate, listed: JsonObject | None, requirements: Requirements) -> bool:
    """Return whether the model thinks before its answer, by the catalogue and the request.

    Source: OpenRouter's model list: `reasoning` with `mandatory` and `default_enabled`; it is missing for
    routers, and in older lists.
    """
    asked = requirements.reasoning
    if listed is None:
        return asked is True
    reasoning = listed.get("reasoning")
    if not isinstance(reasoning, dict):
        return asked is not False and "reasoning" in list_or_empty(listed.get("supported_parameters"))
    if reasoning.get("mandatory") is True:
        return True
    return reasoning.get("default_enabled") is not False if asked is None else asked


def _does_more_than_text(candidate: Candidate, _: JsonObject | None, requirements: Requirements) -> bool:
    services = requirements.extras - FREE_PLUGINS
    return bool(requirements.outputs or services) or candidate.asked.endswith(":online")


def _is_long(_: Candidate, __: JsonObject | None, requirements: Requirements) -> bool:
    return requirements.tokens.most is None or requirements.tokens.likely > LONG_PROMPT_TOKENS


# Why a model may be slow although it is healthy, and the test for it.
SLOW: tuple[tuple[str, Callable[[Candidate, JsonObject | None, Requirements], bool]], ...] = (
    ("the model reasons", _reasons),
    ("images, audio, search or another service", _does_more_than_text),
    ("a long prompt", _is_long),
)
