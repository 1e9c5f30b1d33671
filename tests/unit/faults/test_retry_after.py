from datetime import UTC, datetime
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.faults.times import http_date_s, length_s
from gateway.http.json_values import Json
from tests.support.faults import NOW_S, fault_of, meta


@pytest.mark.parametrize(
    ("error", "headers", "wait_s"),
    [
        pytest.param({}, {"retry_after": "7"}, 7.0, id="header, seconds"),
        pytest.param({}, {"retry_after": "Sun, 22 Nov 2026 09:01:30 GMT"}, 90.0, id="header, HTTP date"),
        pytest.param({}, {"retry_after": "Sun, 22 Nov 2026 08:00:00 GMT"}, 0.0, id="header, past date"),
        pytest.param({}, {"retry_after": "soon"}, None, id="header, neither"),
        pytest.param({}, {"retry_after": "-1"}, None, id="header, negative"),
        pytest.param(meta(retry_after_seconds=17), {}, 17.0, id="metadata, seconds"),
        pytest.param(meta(retry_after_seconds="17"), {}, 17.0, id="metadata, seconds in a string"),
        pytest.param(meta(headers={"Retry-After": "12"}), {}, 12.0, id="metadata, mirrored header"),
        pytest.param({"availability": {"retry_after": 40}}, {}, 40.0, id="availability"),
        pytest.param(meta(headers={"X-RateLimit-Reset": "1795338060000"}), {}, 60.0, id="mirrored epoch ms"),
        pytest.param({}, {"x_ratelimit_reset": "1795338060000"}, 60.0, id="header, epoch ms"),
        pytest.param({}, {"x_ratelimit_reset": "1795338060"}, 60.0, id="header, epoch s"),
        pytest.param({}, {"x_ratelimit_reset": "0"}, None, id="header, no reset"),
        pytest.param(meta(resets_at="2026-11-22T09:01:00.000Z"), {}, 60.0, id="ISO time"),
        pytest.param(meta(resets_at="2026-11-22T09:01:00"), {}, 60.0, id="ISO time without a zone is UTC"),
        pytest.param(meta(resets_at="tomorrow"), {}, None, id="no time"),
        pytest.param(meta(retry_after_seconds=float("nan")), {}, None, id="not a number"),
        pytest.param(meta(retry_after_seconds=1e12), {}, 86_400.0, id="at most a day"),
        pytest.param({}, {"retry_after": "604800"}, 86_400.0, id="header, at most a day"),
        pytest.param(
            {}, {"retry_after": "Wed, 22 Nov 2028 09:00:00 GMT"}, 86_400.0, id="date, at most a day"
        ),
        pytest.param({}, {"retry_after": "Sunday, 22-Nov-26 09:01:30 GMT"}, 90.0, id="header, rfc850 date"),
        pytest.param({}, {"retry_after": "Sun Nov 22 09:01:30 2026"}, 90.0, id="header, asctime date"),
        pytest.param({}, {"retry_after": "Sun Nov  1 09:01:30 2026"}, 0.0, id="header, asctime, one digit"),
        pytest.param({}, {"retry_after": "Sun, 22 Nov 2026 09:00:60 GMT"}, 60.0, id="header, leap second"),
        pytest.param({}, {"retry_after": "Sun, 31 Feb 2027 09:00:00 GMT"}, None, id="header, no such day"),
        pytest.param({}, {"retry_after": "Sun, 22 Nov 2026 24:00:00 GMT"}, None, id="header, no such hour"),
        pytest.param({}, {"retry_after": "So, 22 Nov 2026 09:01:30 MEZ"}, None, id="header, another zone"),
        pytest.param({}, {"retry_after": "1795338037"}, 37.0, id="header, Unix time in seconds"),
        pytest.param({}, {"retry_after": "1795338037000"}, 37.0, id="header, Unix time in milliseconds"),
        pytest.param({}, {"retry_after": "1795337900"}, 0.0, id="header, past Unix time"),
        pytest.param({}, {"retry_after": "37s"}, 37.0, id="header, a unit"),
        pytest.param({}, {"retry_after": "1m30s"}, 90.0, id="header, two units"),
        pytest.param({}, {"retry_after": "6m0s"}, 360.0, id="header, none of a unit"),
        pytest.param({}, {"retry_after": "1.5 Seconds"}, 1.5, id="header, a unit in words"),
        pytest.param({}, {"retry_after": "120ms"}, 0.12, id="header, milliseconds"),
        pytest.param({}, {"retry_after": "37 parsecs"}, None, id="header, an unknown unit"),
        pytest.param({}, {"retry_after": "s37"}, None, id="header, a unit first"),
        pytest.param({}, {"retry_after": "3_7"}, None, id="header, no number of HTTP"),
        pytest.param({}, {"retry_after": "37, 37"}, 37.0, id="header, twice"),
        pytest.param({}, {"retry_after": "3, 37"}, 37.0, id="header, twice, the longer one"),
        pytest.param(
            {},
            {"retry_after": "Sun, 22 Nov 2026 09:01:30 GMT, Sun, 22 Nov 2026 09:00:30 GMT"},
            90.0,
            id="header, two dates",
        ),
        pytest.param({}, {"retry_after_ms": "37000"}, 37.0, id="header in milliseconds"),
        pytest.param({}, {"retry_after_ms": "37000, 37000"}, 37.0, id="header in milliseconds, twice"),
        pytest.param({}, {"retry_after_ms": "1500", "retry_after": "2"}, 1.5, id="the more exact header"),
        pytest.param({}, {"retry_after_ms": "soon", "retry_after": "2"}, 2.0, id="the header that is usable"),
        pytest.param(meta(headers={"retry-after": "12"}), {}, 12.0, id="mirrored header in lower case"),
        pytest.param(meta(headers={"retry-after-ms": 1200}), {}, 1.2, id="mirrored header in milliseconds"),
        pytest.param({}, {"x_ratelimit_reset": "6m0s"}, 360.0, id="reset, a length"),
        pytest.param({}, {"x_ratelimit_reset": "60"}, 60.0, id="reset, seconds from now"),
        pytest.param(
            meta(retry_after_seconds=9), {"retry_after": "3"}, 3.0, id="the header takes precedence"
        ),
    ],
)
def test_the_requested_pause_is_read_from_every_place(
    error: Json, headers: dict[str, str], wait_s: float | None
) -> None:
    assert fault_of(error, 429, **headers).retry_after_s == wait_s


@pytest.mark.parametrize(
    ("status", "wait_s"), [(429, 60.0), (503, 60.0), (500, None), (404, None), (None, None)]
)
def test_a_reset_counts_only_with_a_status_of_limits(status: int | None, wait_s: float | None) -> None:
    assert fault_of({}, status, x_ratelimit_reset="60").retry_after_s == wait_s


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("Friday, 20-Nov-76 09:00:00 GMT", 2076),
        ("Sunday, 22-Nov-76 09:00:00 GMT", 2076),
        ("Sunday, 22-Nov-76 09:00:01 GMT", 1976),
        ("Friday, 31-Dec-99 23:59:59 GMT", 1999),
        ("Saturday, 01-Jan-00 00:00:00 GMT", 2000),
    ],
)
def test_a_year_of_two_digits_is_at_most_fifty_years_ahead(date: str, year: int) -> None:
    moment_s = http_date_s(date, now_s=NOW_S)

    assert moment_s is not None
    assert datetime.fromtimestamp(moment_s, UTC).year == year


@pytest.mark.parametrize(
    "form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"]
)
@given(at_s=st.integers(int(NOW_S) - 10**9, int(NOW_S) + 10**9))
def test_every_form_of_an_http_date_is_read(form: str, at_s: int) -> None:
    assert http_date_s(datetime.fromtimestamp(at_s, UTC).strftime(form), now_s=NOW_S) == at_s


@given(st.text(max_size=60))
def test_no_text_of_a_time_raises(text: str) -> None:
    for moment_s in (http_date_s(text, now_s=NOW_S), length_s(text)):
        assert moment_s is None or isfinite(moment_s)
