"""OpenRouter's error bodies, and the status and headers that go with them."""

from collections.abc import Iterable, Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from time import time
from typing import Any

from simulator.answers import Json, dumps
from simulator.steps import Complete, Headers, Step
from simulator.turn import PROVIDER, Turn

USER_ID = "user_2xSIMULATED00000000000000000"
_PROVIDER_ERROR = "Provider returned error"
_POOL = "upstream_provider_shared_pool"
_IDENTIFIED = frozenset({400, 402, 404, 429, 502})  # statuses that carry X-Generation-Id
_BODILESS = frozenset({304})


def provider_metadata(raw: str, **more: object) -> Json:
    """Return the metadata with which OpenRouter reports a provider's error."""
    return {"raw": raw, "provider_name": PROVIDER, "is_byok": False, **more}


# `{model}` stands for the requested model.
_WORDING: Mapping[int, tuple[str, Mapping[str, Any] | None]] = {
    400: (_PROVIDER_ERROR, provider_metadata('{"error":{"message":"Input validation error"}}')),
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
        _PROVIDER_ERROR,
        provider_metadata("{model} is temporarily rate-limited upstream.", limit_source=_POOL),
    ),
    500: ("Internal Server Error", None),
    502: (
        _PROVIDER_ERROR,
        provider_metadata("upstream connect error", error_type="provider_unavailable"),
    ),
    503: (_PROVIDER_ERROR, provider_metadata("overloaded", error_type="provider_overloaded")),
    504: (_PROVIDER_ERROR, provider_metadata("upstream timeout", error_type="timeout")),
    524: ("Request timed out. Please try again later.", None),
    529: (_PROVIDER_ERROR, None),
}


def error_body(status: int, message: str, metadata: Mapping[str, Any] | None = None) -> Json:
    """Return an error in OpenRouter's format."""
    error: Json = {"message": message, "code": status}
    if metadata is not None:
        error["metadata"] = metadata
    return {"error": error, "user_id": USER_ID}


def refused(
    generation_id: str, status: int, message: str, metadata: Mapping[str, Any] | None = None, **headers: str
) -> Complete:
    """Return a complete error response; header names have underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Content-Type"] = "application/json"
    if status in _IDENTIFIED:
        named["X-Generation-Id"] = generation_id
    return Complete(status, dumps(error_body(status, message, metadata)), named)


def worded(turn: Turn, status: int) -> Complete:
    """Return the error of this status with OpenRouter's message."""
    message, metadata = _WORDING.get(status, (_phrase(status), None))
    filled = {
        key: value.replace("{model}", turn.model) if isinstance(value, str) else value
        for key, value in (metadata or {}).items()
    }
    return refused(turn.id, status, message.replace("{model}", turn.model), filled or None)


def status_script(turn: Turn) -> Iterator[Step]:
    """Respond with the status in the model's name."""
    if turn.number in _BODILESS:
        yield Headers({}, status=turn.number, length_bytes=0)
    else:
        yield worded(turn, turn.number)


def bad_gateway(turn: Turn) -> Iterable[Step]:
    """Respond with a provider's failure."""
    return (worded(turn, 502),)


def rate_limit_error(turn: Turn) -> Json:
    """Return the error of a provider's shared pool, as an object without a delay."""
    metadata = provider_metadata(f"{turn.model} is temporarily rate-limited upstream.", limit_source=_POOL)
    return {"error": error_body(429, _PROVIDER_ERROR, metadata)["error"]}


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
    yield refused(turn.id, 429, _PROVIDER_ERROR, metadata, Retry_After=str(turn.number))


def retry_date(turn: Turn) -> Iterator[Step]:
    """Respond with a 503 whose delay is an HTTP date."""
    date = formatdate(time() + turn.number, usegmt=True)
    yield refused(turn.id, 503, _PROVIDER_ERROR, provider_metadata("overloaded"), Retry_After=date)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return _PROVIDER_ERROR
