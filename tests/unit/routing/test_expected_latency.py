import pytest

from gateway.http.json_values import Json, JsonObject
from gateway.routing.expected_latency import ANSWER_TOKENS, expected_ms


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
