"""`POST /chat/completions`: checks the request as OpenRouter does, and returns the behaviour's script."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator import catalog
from simulator.behaviours import AUTHOR, Found, behaviours, find
from simulator.errors import refused
from simulator.samples import sample
from simulator.steps import Complete, Script
from simulator.turn import Turn, new_generation_id

_MAX_MODELS = 3
_MAX_REMEMBERED = 20_000
_DEFAULT_MODEL = "openrouter/auto"  # the account's default model
_KEY_SCHEME = "Bearer sk-or-"
_REFUSED_KEYS = "Bearer sk-or-refused"


class Repeats:
    """Counts the calls of each model and user, for behaviours that apply to the first calls only."""

    def __init__(self) -> None:
        self._calls: dict[tuple[str, str | None], int] = {}

    def count(self, model: str, user: str | None) -> int:
        """Count one more call; return how many there were before."""
        before = self._calls.pop((model, user), 0)
        self._calls[model, user] = before + 1
        if len(self._calls) > _MAX_REMEMBERED:
            del self._calls[next(iter(self._calls))]
        return before


@dataclass(frozen=True, slots=True)
class Chat:
    """A parsed request: the fields for the journal, and the script of the answer."""

    turn: Turn
    script: Script
    asked_model: str | None
    user: str | None


def unauthorized(headers: Mapping[str, str]) -> Complete | None:
    """Return OpenRouter's 401 if the key is missing, malformed or refused, else None."""
    given = headers.get("Authorization")
    if given is None:
        return refused("", 401, "No cookie auth credentials found")
    is_good = given.startswith(_KEY_SCHEME) and not given.startswith(_REFUSED_KEYS)
    return None if is_good else refused("", 401, "User not found.")


def read(raw: bytes, headers: Mapping[str, str], repeats: Repeats) -> Chat:
    """Return how to answer; for an invalid request, a script with the error."""
    body = _parsed(raw)
    model, user = _asked_model(body), _text(body.get("user"))
    found = Found(behaviours()["ok"]) if catalog.known(model) else None
    if model.startswith(AUTHOR):
        found = find(model)
    turn = _turn(raw, body, model, found, headers)
    refusal = unauthorized(headers) or _faulty(body, turn) or (None if found else _unknown(turn))
    if refusal is not None or found is None:
        return Chat(turn, lambda _: (refusal or _unknown(turn),), model, user)
    behaviour = found.behaviour
    if found.first_calls is not None and repeats.count(model, user) >= found.first_calls:
        behaviour = behaviours()["ok"]
    return Chat(turn, behaviour.pair.stream if turn.stream else behaviour.pair.plain, model, user)


def _turn(
    raw: bytes, body: dict[str, Any], model: str, found: Found | None, headers: Mapping[str, str]
) -> Turn:
    now_s = time.time()
    return Turn(
        id=new_generation_id(now_s),
        created_s=int(now_s),
        model=catalog.served_by(model),
        price=catalog.price_of(model),
        body=body,
        raw=raw,
        stream=body.get("stream") is True,
        number=found.number if found else 0,
        host=headers.get("Host", ""),
    )


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _asked_model(body: dict[str, Any]) -> str:
    models = body.get("models")
    first = models[0] if isinstance(models, list) and models else None
    return _text(body.get("model")) or _text(first) or _DEFAULT_MODEL


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _faulty(body: dict[str, Any], turn: Turn) -> Complete | None:
    models, messages = body.get("models"), body.get("messages")
    if not body or messages == []:
        return refused(turn.id, 400, "Input must have at least 1 token.")
    if isinstance(models, list) and len(models) > _MAX_MODELS:
        cap = sample("err-400-models-cap")
        return Complete(cap.status, cap.text.encode(), {**cap.headers, "x-generation-id": turn.id})
    if not isinstance(messages, list) and not isinstance(body.get("prompt"), str):
        return refused(turn.id, 400, 'Input required: specify "prompt" or "messages"')
    return None


def _unknown(turn: Turn) -> Complete:
    return refused(turn.id, 400, f"{turn.model} is not a valid model ID")
