import pytest

from gateway.http.json_values import Json
from tests.support.faults import fault_of, meta


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
        pytest.param(meta(retry_after_seconds=1e12), {}, 604_800.0, id="at most a week"),
        pytest.param(
            meta(retry_after_seconds=9), {"retry_after": "3"}, 3.0, id="the header takes precedence"
        ),
    ],
)
def test_the_requested_pause_is_read_from_every_place(
    error: Json, headers: dict[str, str], wait_s: float | None
) -> None:
    assert fault_of(error, 429, **headers).retry_after_s == wait_s
