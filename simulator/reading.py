"""Reads a request: checks it as OpenRouter does, and returns the behaviour's script."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator import catalog, form
from simulator.answers import Json
from simulator.behaviours import AUTHOR, HEALED, Found, behaviours, find
from simulator.dialects.chat import CHAT
from simulator.dialects.dialect import EMPTY_INPUT, MAX_MODELS, TOO_MANY, Dialect
from simulator.errors import refused, worded
from simulator.fault import Fault
from simulator.scope import has_meaning
from simulator.steps import Complete, Script
from simulator.turn import Turn, new_generation_id

_MAX_REMEMBERED = 20_000
_DEFAULT_MODEL = "openrouter/auto"  # the account's default model
_SCHEME = "Bearer "
_GOOD_KEYS = "sk-or-"
_REFUSED_KEYS = "sk-or-refused"


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
class Request:
    """A parsed request: the fields for the journal, and the script of the answer."""

    turn: Turn
    script: Script
    asked_model: str | None
    user: str | None
    form: list[Json] | None = None


def unauthorized(headers: Mapping[str, str], dialect: Dialect = CHAT) -> Complete | None:
    """Return OpenRouter's 401 if the key is missing, malformed or refused, else None.

    The key is in `Authorization`, or in `x-api-key` as Anthropic's SDK sends it.
    """
    given = headers.get("Authorization")
    key = given.removeprefix(_SCHEME) if given is not None else headers.get("x-api-key")
    if key is None:
        return refused(dialect, "", Fault(401, "No cookie auth credentials found"))
    is_good = key.startswith(_GOOD_KEYS) and not key.startswith(_REFUSED_KEYS)
    if is_good and (given is None or given.startswith(_SCHEME)):
        return None
    return refused(dialect, "", Fault(401, "User not found."))


def read(dialect: Dialect, raw: bytes, headers: Mapping[str, str], repeats: Repeats) -> Request:
    """Return how to answer; for an invalid request, a script with the error."""
    parts = form.parts_of(raw, headers["Content-Type"]) if form.is_form(headers) else None
    shown = None if parts is None else [part.as_json() for part in parts]
    body = _parsed(raw) if shown is None else form.fields_of(shown)
    model, user = _asked_model(body), _user_of(body)
    found = Found(behaviours()[HEALED]) if catalog.serves(model, dialect.output) else None
    if model.startswith(AUTHOR):
        found = find(model)
    turn = _turn(dialect, raw, body, model=model, found=found, headers=headers)
    refusal = unauthorized(headers, dialect) or _faulty(body, turn)
    if refusal is not None or found is None:
        return Request(turn, lambda _: (refusal or _unknown(turn),), model, user, shown)
    if not has_meaning(found.behaviour, dialect):
        return Request(turn, lambda _: (_meaningless(turn),), model, user, shown)
    behaviour = found.behaviour
    if found.first_calls is not None and repeats.count(model, user) >= found.first_calls:
        behaviour = behaviours()[HEALED]
    script = behaviour.pair.stream if turn.stream else behaviour.pair.plain
    return Request(turn, script, model, user, shown)


def _turn(
    dialect: Dialect,
    raw: bytes,
    body: dict[str, Any],
    *,
    model: str,
    found: Found | None,
    headers: Mapping[str, str],
) -> Turn:
    now_s = time.time()
    return Turn(
        id=new_generation_id(now_s),
        dialect=dialect,
        created_s=int(now_s),
        model=catalog.served_by(model),
        price=catalog.price_of(model),
        body=body,
        raw=raw,
        stream=dialect.streams and body.get("stream") is True,
        number=found.number if found else 0,
        word=found.word if found else "",
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


def _user_of(body: dict[str, Any]) -> str | None:
    """Return who asks: `user`, `metadata.user_id` (Anthropic's clients) or `prompt_cache_key` (Codex)."""
    metadata = body.get("metadata")
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    return _text(body.get("user")) or _text(named) or _text(body.get("prompt_cache_key"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _faulty(body: dict[str, Any], turn: Turn) -> Complete | None:
    models = body.get("models")
    if not body:
        return _bad(turn, EMPTY_INPUT)
    if isinstance(models, list) and len(models) > MAX_MODELS:
        return _bad(turn, TOO_MANY.format(field="models"))
    words = turn.dialect.complaint(body)
    return refused(turn.dialect, turn.id, turn.dialect.invalid(words)) if words else None


def _unknown(turn: Turn) -> Complete:
    if catalog.known(turn.model):
        return refused(turn.dialect, turn.id, worded(turn, 404))
    return _bad(turn, f"{turn.model} is not a valid model ID")


def _meaningless(turn: Turn) -> Complete:
    return _bad(turn, f"{turn.model} has no meaning at {turn.dialect.path}")


def _bad(turn: Turn, message: str) -> Complete:
    return refused(turn.dialect, turn.id, Fault(400, message))
