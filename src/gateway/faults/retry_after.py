"""Reads the pause that an upstream requests, in seconds, from the places where upstreams write it."""

from collections.abc import Callable
from datetime import UTC, datetime

from gateway.http.json_values import Json, JsonObject, number_or_none

MAX_PAUSE_S = 7 * 86_400.0  # no limit resets later than in a week; a longer pause means a wrong clock
MAX_TIME_CHARACTERS = 100  # of a number or a time as text
_MILLISECONDS_FROM = 100_000_000_000  # a Unix time above this is in milliseconds


def retry_after_s(
    header: Callable[[str], str | None], metadata: JsonObject, availability: JsonObject, *, now_s: float
) -> float | None:
    """Return the requested pause in seconds from ``now_s``, 0 to ``MAX_PAUSE_S``; None if there is none.

    The first place with a usable value counts: the ``Retry-After`` header, ``retry_after_seconds`` in the
    metadata, ``Retry-After`` in the metadata's copy of the provider's headers, ``retry_after`` in the
    availability, then the reset times.
    Source: OpenRouter "Limits": ``X-RateLimit-Reset`` is epoch milliseconds in a string.
    """
    mirrored = metadata.get("headers")
    mirrored = mirrored if isinstance(mirrored, dict) else {}
    waits = (
        _wait(header("retry-after"), now_s),
        _seconds(metadata.get("retry_after_seconds")),
        _wait(mirrored.get("Retry-After"), now_s),
        _seconds(availability.get("retry_after")),
        _until(mirrored.get("X-RateLimit-Reset"), now_s),
        _until(header("x-ratelimit-reset"), now_s),
        _until_time(metadata.get("resets_at"), now_s),
    )
    return next((min(wait, MAX_PAUSE_S) for wait in waits if wait is not None), None)


def _seconds(value: Json) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= MAX_TIME_CHARACTERS else None
        except ValueError:
            return None
    seconds = number_or_none(value)
    return seconds if seconds is not None and seconds >= 0 else None


def _wait(value: Json, now_s: float) -> float | None:
    """Return the wait for a ``Retry-After`` value, in seconds. Source: RFC 9110, section 10.2.3."""
    seconds = _seconds(value)
    if seconds is not None or not isinstance(value, str) or len(value) > MAX_TIME_CHARACTERS:
        return seconds
    try:
        moment = datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now_s)


def _until(value: Json, now_s: float) -> float | None:
    moment = _seconds(value)
    if moment is None or moment == 0:
        return None
    return max(0.0, (moment / 1000 if moment > _MILLISECONDS_FROM else moment) - now_s)


def _until_time(value: Json, now_s: float) -> float | None:
    if not isinstance(value, str) or len(value) > MAX_TIME_CHARACTERS:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_s)
