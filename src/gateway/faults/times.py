"""Reads the times that upstreams write in headers: HTTP dates, lengths of time with units, Unix times."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# A two-digit year means the latest year with these digits that is at most so many years ahead.
# Source: RFC 9110, section 5.6.7.
MAX_YEARS_AHEAD = 50
# A number is a Unix time if it means a moment that is nearer than this. Any other number is a length.
UNIX_WITHIN_S = 366 * 86_400.0
# The parts of a length of time: `1m30s`, `6m0s`, `120ms`, `37 seconds`.
# Source: OpenAI "Rate limits": the headers `x-ratelimit-reset-requests` and `-tokens`.
_PART = re.compile(r" *+(\d{1,12}+(?:\.\d{1,12}+)?+) *+([a-z]{1,12}+)", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)", re.ASCII)
_YEAR = re.compile(r"\d\d(?:\d\d)?", re.ASCII)
_DAY = re.compile(r"\d{1,2}", re.ASCII)

_UNITS: tuple[tuple[float, str], ...] = (
    (0.001, "ms msec msecs millisecond milliseconds"),
    (1.0, "s sec secs second seconds"),
    (60.0, "m min mins minute minutes"),
    (3_600.0, "h hr hrs hour hours"),
    (86_400.0, "d day days"),
)
UNITS_S: Mapping[str, float] = MappingProxyType(
    {name: seconds for seconds, names in _UNITS for name in names.split()}
)


def length_s(text: str) -> float | None:
    """Return a length of time with units, such as ``1m30s``, in seconds; None if the text is none."""
    text, end, total_s = text.lower().strip(), 0, 0.0
    while end < len(text):
        part = _PART.match(text, end)
        unit_s = UNITS_S.get(part[2]) if part else None
        if part is None or unit_s is None:
            return None
        total_s += float(part[1]) * unit_s
        end = part.end()
    return total_s if end else None


def unix_time_s(number: float, *, now_s: float) -> float | None:
    """Return the Unix time in seconds that a number of seconds or milliseconds means; None if it means none.

    Source: OpenRouter "Limits": ``X-RateLimit-Reset`` is in milliseconds. GitHub and others use seconds.
    """
    moments_s = (number, number / 1000)
    return next((each for each in moments_s if abs(each - now_s) <= UNIX_WITHIN_S), None)


def http_date_s(text: str, *, now_s: float) -> float | None:
    """Return an HTTP date as Unix time; None if the text is none of the three forms.

    ``strptime`` is not used: its names of days and months depend on the locale.
    Source: RFC 9110, section 5.6.7.
    """
    words = text.replace(",", " ").replace("-", " ").split()
    if len(words) == 6 and words[5] in ("GMT", "UTC"):  # IMF-fixdate, or rfc850-date
        _, day, month, year, clock, _ = words
    elif len(words) == 5:  # asctime-date
        _, month, day, clock, year = words
    else:
        return None
    at = _CLOCK.fullmatch(clock)
    if at is None or month not in MONTHS or not _DAY.fullmatch(day) or not _YEAR.fullmatch(year):
        return None
    hour, minute, second = (int(each) for each in at.groups())
    rest = (MONTHS.index(month) + 1, int(day), hour, minute)
    try:
        years = int(year) if len(year) == 4 else _full_year(int(year), (*rest, second), now_s)
        # A leap second is the first one of the next minute.
        return datetime(years, *rest, tzinfo=UTC).timestamp() + second
    except ValueError:  # there is no such day
        return None


def _full_year(digits: int, rest: tuple[int, ...], now_s: float) -> int:
    """Return the year of a date with a two-digit year; ``rest`` is its month, day, hour, minute, second."""
    now = datetime.fromtimestamp(now_s, UTC)
    latest = now.year + MAX_YEARS_AHEAD
    if rest > (now.month, now.day, now.hour, now.minute, now.second):
        latest -= 1
    return latest - (latest - digits) % 100
