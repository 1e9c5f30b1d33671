"""OpenRouter's errors: their words, and the status and headers that go with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from time import time
from typing import Any

from simulator.answers import dumps
from simulator.dialects.chat import CHAT
from simulator.dialects.dialect import Dialect
from simulator.fault import PROVIDER_ERROR, Fault, provider_metadata
from simulator.steps import Complete, Headers, Pair, Script, Step
from simulator.turn import Turn

_POOL = "upstream_provider_shared_pool"
_IDENTIFIED = frozenset({400, 402, 404, 429, 502})  # statuses that carry X-Generation-Id
_BODILESS = frozenset({304})

# `{model}` stands for the requested model.
_WORDING: Mapping[int, tuple[str, Mapping[str, Any] | None]] = {
    400: (PROVIDER_ERROR, provider_metadata('{"error":{"message":"Input validation error"}}')),
    401: ("User not found.", None),
    402: (
        "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
        {"limit_source": "openrouter_credits", "remedy_hint": "Add credits to the account."},
    ),
    403: (
        "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys",
        {"limit_source": "openrouter_key_limit", "remedy_hint": "Raise the key's credit limit."},
    ),
    404: ("No endpoints found for {model}.", {"provider_name": None}),
    408: ("Operation timed out. Please try again later.", None),
    413: ("Request payload too large", None),
    422: ("Invalid argument", None),
    429: (
        PROVIDER_ERROR,
        provider_metadata("{model} is temporarily rate-limited upstream.", limit_source=_POOL),
    ),
    500: ("Internal Server Error", None),
    502: (
        PROVIDER_ERROR,
        provider_metadata("upstream connect error", error_type="provider_unavailable"),
    ),
    503: (PROVIDER_ERROR, provider_metadata("overloaded", error_type="provider_overloaded")),
    504: (PROVIDER_ERROR, provider_metadata("upstream timeout", error_type="timeout")),
    524: ("Request timed out. Please try again later.", None),
    529: (PROVIDER_ERROR, None),
}
FIRST = Fault(502, PROVIDER_ERROR, provider_metadata("connect error"))
OVERLOADED = Fault(
    503, "Overloaded", {"error_type": "provider_overloaded", "provider_code": "overloaded_error"}
)
INTERRUPTED = Fault(502, "Provider disconnected mid-stream", {"error_type": "provider_unavailable"})


def refused(dialect: Dialect, generation_id: str, fault: Fault, **headers: str) -> Complete:
    """Return a complete error response; header names have underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Content-Type"] = "application/json"
    if fault.status in _IDENTIFIED:
        named["X-Generation-Id"] = generation_id
    return Complete(fault.status, dumps(dialect.error(generation_id, fault)), named)


def worded(turn: Turn, status: int) -> Fault:
    """Return the error of this status with OpenRouter's message."""
    message, metadata = _WORDING.get(status, (_phrase(status), None))
    filled = {
        key: value.replace("{model}", turn.model) if isinstance(value, str) else value
        for key, value in (metadata or {}).items()
    }
    return Fault(status, message.replace("{model}", turn.model), filled or None)


def status_script(turn: Turn) -> Iterator[Step]:
    """Respond with the status in the model's name."""
    if turn.number in _BODILESS:
        yield Headers({}, status=turn.number, length_bytes=0)
    else:
        yield refused(turn.dialect, turn.id, worded(turn, turn.number))


def status_in_chats_envelope(turn: Turn) -> Iterable[Step]:
    """Respond with the status in the model's name, in chat's envelope whatever the dialect."""
    return (refused(CHAT, turn.id, worded(turn, turn.number)),)


def refusing(fault_of: Callable[[Turn], Fault | None], pair: Pair) -> Pair:
    """Return scripts that respond with a fault if there is one, and play ``pair`` otherwise."""

    def unless_faulty(script: Script) -> Script:
        def play(turn: Turn) -> Iterable[Step]:
            fault = fault_of(turn)
            return script(turn) if fault is None else (refused(turn.dialect, turn.id, fault),)

        return play

    return Pair(unless_faulty(pair.plain), stream=unless_faulty(pair.stream))


def bad_gateway(turn: Turn) -> Iterable[Step]:
    """Respond with a provider's failure."""
    return (refused(turn.dialect, turn.id, worded(turn, 502)),)


def rate_limit(turn: Turn) -> Fault:
    """Return the error of a provider's shared pool, without a delay."""
    words = f"{turn.model} is temporarily rate-limited upstream."
    return Fault(429, PROVIDER_ERROR, provider_metadata(words, limit_source=_POOL), words)


def retry_after(turn: Turn) -> Iterator[Step]:
    """Respond with a 429 of the provider's shared pool; header and body have the delay in seconds."""
    raw = f"{turn.model} is temporarily rate-limited upstream. Please retry shortly."
    metadata = provider_metadata(
        raw,
        provider_error_code="rate_limit_exceeded",
        limit_source=_POOL,
        remedy_hint="Retry shortly, or route to another provider.",
        retry_after_seconds=turn.number,
        headers={"Retry-After": str(turn.number)},
    )
    fault = Fault(429, PROVIDER_ERROR, metadata, raw)
    yield refused(turn.dialect, turn.id, fault, Retry_After=str(turn.number))


def retry_date(turn: Turn) -> Iterator[Step]:
    """Respond with a 503 whose delay is an HTTP date."""
    date = formatdate(time() + turn.number, usegmt=True)
    fault = Fault(503, PROVIDER_ERROR, provider_metadata("overloaded"))
    yield refused(turn.dialect, turn.id, fault, Retry_After=date)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return PROVIDER_ERROR
