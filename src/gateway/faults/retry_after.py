"""Reads the pause that an upstream requests, in seconds, from the places where upstreams write it."""

from collections.abc import Callable
from datetime import UTC, datetime

from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty

# A longer pause is not believed: it means a wrong clock or a wrong unit. No limit that a request can wait for
# resets later than at the end of the day.
MAX_PAUSE_S = 86_400.0
LIMITED = (429, 503, 529)
MAX_TIME_CHARACTERS = 200  # of a number or a time as text


def retry_after_s(
    header: Callable[[str], str | None],
    metadata: JsonObject,
    availability: JsonObject,
    *,
    status: int | None,
    now_s: float,
) -> float | None:
    """Return the requested pause in seconds from ``now_s``, 0 to ``MAX_PAUSE_S``; None if there is none.

    The first place with a usable value counts: the headers ``Retry-After-Ms`` and ``Retry-After``,
    ``retry_after_seconds`` in the metadata, the same headers in the metadata's copy of the provider's,
    ``retry_after`` in the availability, then the reset times. Some upstreams send ``X-RateLimit-Reset`` with
    every reply, so it counts only with a ``status`` of ``LIMITED``. It never raises.
    Source: OpenAI's SDKs, which read ``Retry-After-Ms`` first; RFC 9110, section 10.2.3.
    """
    copied = {name.lower(): value for name, value in object_or_empty(metadata.get("headers")).items()}
    waits = (
        _milliseconds(header("retry-after-ms")),
        _wait(header("retry-after"), now_s),
        _wait(metadata.get("retry_after_seconds"), now_s),
        _milliseconds(copied.get("retry-after-ms")),
        _wait(copied.get("retry-after"), now_s),
        _wait(availability.get("retry_after"), now_s),
        _until(copied.get("x-ratelimit-reset"), now_s),
        _until(header("x-ratelimit-reset"), now_s) if status in LIMITED else None,
        _until_time(metadata.get("resets_at"), now_s),
    )
    return next((min(wait, MAX_PAUSE_S) for wait in waits if wait is not None), None)


def _number(value: Json) -> float | None:
    """Return a number of 0 or more, also from its text; None if the value is none."""
    if isinstance(value, str):
        is_short = len(value) <= MAX_TIME_CHARACTERS
        try:
            value = float(value) if is_short and value.isascii() and "_" not in value else None
        except ValueError:
            return None
    number = number_or_none(value)
    return number if number is not None and number >= 0 else None


def _milliseconds(value: Json) -> float | None:
    texts = _values_in(value) if isinstance(value, str) else [value]
    return max((number / 1000 for each in texts if (number := _number(each)) is not None), default=None)


def _wait(value: Json, now_s: float) -> float | None:
    """Return the wait for a ``Retry-After`` value, in seconds.

    If the header is there more than once, the longest wait counts.
    """
    if not isinstance(value, str):
        return _wait_of_one(value, now_s)
    waits = [_wait_of_one(each, now_s) for each in _values_in(value)]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait_of_one(value: Json, now_s: float) -> float | None:
    """Return the wait for a number of seconds, a Unix time, an HTTP date, or a length such as ``1m30s``."""
    number = _number(value)
    if number is not None and number <= MAX_PAUSE_S:
        return number
    if number is None and not isinstance(value, str):
        return None
    from gateway.faults.times import http_date_s, length_s, unix_time_s  # noqa: PLC0415  # most waits are short numbers

    if number is not None:
        moment_s = unix_time_s(number, now_s=now_s)
        return number if moment_s is None else max(0.0, moment_s - now_s)
    length = length_s(str(value))
    if length is not None:
        return length
    moment_s = http_date_s(str(value), now_s=now_s)
    return None if moment_s is None else max(0.0, moment_s - now_s)


def _values_in(text: str) -> list[str]:
    """Return the values of a header that may be there more than once; a comma joins them.

    A date has a comma of its own, after the name of its day.
    """
    values: list[str] = []
    day = ""
    for part in text.split(",") if len(text) <= MAX_TIME_CHARACTERS else ():
        value = part.strip()
        if value.isalpha():
            day = f"{value}, "
            continue
        values.append(day + value)
        day = ""
    return values


def _until(value: Json, now_s: float) -> float | None:
    """Return the wait for an ``X-RateLimit-Reset`` value; 0 says that there is no reset."""
    return None if _number(value) == 0 else _wait(value, now_s)


def _until_time(value: Json, now_s: float) -> float | None:
    if not isinstance(value, str) or len(value) > MAX_TIME_CHARACTERS:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None
