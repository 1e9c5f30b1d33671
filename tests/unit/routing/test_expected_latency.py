import pytest

from gateway.http.json_values import Json, JsonObject
from gateway.routing.expected_latency import ANSWER_TOKENS, expected_ms, slow_first_token_ms


def endpoint(latency: Json = 640, throughput: Json = 100, **fields: Json) -> JsonObject:
    return {
        "latency_last_30m": {"p50": latency},
        "throughput_last_30m": {"p50": throughput},
        "status": 0,
        **fields,
    }


def data(*endpoints: Json) -> JsonObject:
    return {"endpoints": [*endpoints]}


def test_a_streams_latency_is_the_time_to_its_first_token() -> None:
    assert expected_ms(data(endpoint()), stream=True) == 640


def test_a_plain_answer_adds_the_time_to_generate_it() -> None:
    assert expected_ms(data(endpoint()), stream=False) == 640 + ANSWER_TOKENS * 10


def test_the_fastest_healthy_endpoint_counts() -> None:
    found = expected_ms(data(endpoint(900), endpoint(300), endpoint(1, status=-5)), stream=True)

    assert found == 300


def test_a_latency_too_small_for_milliseconds_is_read_as_seconds() -> None:
    assert expected_ms(data(endpoint(0.25)), stream=True) == 250


@pytest.mark.parametrize(
    "found",
    [
        {},
        data(),
        data(endpoint(None)),
        data({"latency_last_30m": None, "status": 0}),
        data("endpoint", None),
        data(endpoint("fast")),
    ],
    ids=repr,
)
def test_without_statistics_the_latency_is_unknown(found: JsonObject) -> None:
    assert expected_ms(found, stream=True) is None


def test_without_a_throughput_a_plain_answers_latency_is_unknown() -> None:
    assert expected_ms(data(endpoint(throughput=None)), stream=False) is None
    assert expected_ms(data(endpoint(throughput=0)), stream=False) is None


def p90(median: Json, slow: Json, **fields: Json) -> JsonObject:
    return {"latency_last_30m": {"p50": median, "p90": slow}, **fields}


@pytest.mark.parametrize(
    ("endpoints", "slow_ms"),
    [
        ([p90(300, 900), p90(200, 4_000), p90(1, 9_000, status=-5)], 4_000),
        ([p90(5, 30)], 30_000),  # seconds: the median is too small for milliseconds
        ([p90(0.25, 0.75)], 750),
        ([p90(300, None), {"latency_last_30m": {"p90": 900}}, {}, None, 7], None),
        ([], None),
    ],
)
def test_the_slowest_healthy_endpoint_shows_how_long_a_first_token_may_take(
    endpoints: list[Json], slow_ms: float | None
) -> None:
    assert slow_first_token_ms(data(*endpoints)) == slow_ms
