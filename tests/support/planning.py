"""Plans without HTTP: a catalogue of made-up models, and the signals that planning uses."""

import json
from collections.abc import Callable, Mapping

from gateway.catalog.compact import compact
from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.chat.parse import parse
from gateway.dialects.model_request import ModelRequest
from gateway.http.json_values import Json, JsonObject
from gateway.memory.answer_lengths import UNKNOWN_TOKENS
from gateway.memory.catalog import Catalog
from gateway.routing.chain import Candidate, Plan
from gateway.routing.plan import plan
from gateway.routing.selection import select
from gateway.routing.signals import Signals, Usual
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings
from tests.support.world import EPOCH_S

ALL_PARAMETERS: list[Json] = ["max_tokens", "tools", "response_format", "structured_outputs", "reasoning"]


def listed(model: str, **fields: Json) -> JsonObject:
    """Return a model as OpenRouter lists it; it can do everything, unless ``fields`` say otherwise."""
    everything: list[Json] = ["text", "image", "audio", "file", "video"]
    return {
        "id": model,
        "canonical_slug": model,
        "name": model,
        "created": 1_780_000_000,
        "context_length": 1_000_000,
        "architecture": {
            "input_modalities": everything,
            "output_modalities": [*everything, "transcription", "speech"],
        },
        "pricing": {"prompt": "0.000001", "completion": "0.000002"},
        "top_provider": {"max_completion_tokens": 10_000},
        "supported_parameters": ALL_PARAMETERS,
        "expiration_date": None,
        **fields,
    }


def catalog_of(*models: JsonObject) -> Catalog:
    """Return a catalogue of these models, fetched just now."""
    catalog = compact({"data": [*models]}, now_s=EPOCH_S)
    assert catalog is not None
    return catalog


def signals_of(
    *models: JsonObject,
    is_fresh: bool = True,
    session_model: str | None = None,
    cut_off: frozenset[str] = frozenset(),
    expected_ms: Mapping[str, float] | None = None,
    budget_left_usd: float | None = None,
    usual: Usual | None = None,
    draw: Callable[[], float] = lambda: 0.5,
) -> Signals:
    """Return the signals that planning uses; without models there is no catalogue."""
    times_ms = expected_ms or {}

    def expected(candidate: Candidate) -> float | None:
        return times_ms.get(candidate.model)

    return Signals(
        now_s=EPOCH_S,
        catalog=catalog_of(*models) if models else None,
        is_fresh=is_fresh,
        session_model=session_model,
        expected_ms=expected,
        expected_tokens=lambda model: UNKNOWN_TOKENS,
        budget_left_usd=budget_left_usd,
        budget_unspent_usd=budget_left_usd,
        draw=draw,
        usual_first_token=lambda _: usual,
        cut_off=cut_off,
    )


def parsed(**fields: object) -> ModelRequest:
    """Return a chat request with these fields."""
    return parse(json.dumps({"messages": [{"role": "user", "content": "Hi"}], **fields}).encode())


def planned(
    env: Mapping[str, str] | None = None,
    signals: Signals | None = None,
    allowed: tuple[str, ...] | None = None,
    **fields: object,
) -> Plan:
    """Return the plan for a chat request with these fields."""
    settings = Settings.from_env((env or {}).get)
    chat, caller = parsed(**fields), Caller(name="tests", models=allowed)
    selection = select(chat, settings, caller)
    return plan(chat, selection, settings, caller, signals or signals_of(), dialect=CHAT)


def chain_of(found: Plan) -> list[str]:
    """Return the models of a plan's chain."""
    return [candidate.model for candidate in found.chain]


def reasons_in(found: Plan) -> dict[str, str]:
    """Return for each model that was left out the reason."""
    return {each.model: each.reason for each in found.skipped}
