"""Estimates from OpenRouter's endpoint statistics the latency of models that have not been measured here."""

from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, object_or_empty

# How many tokens a plain answer is assumed to have after its first token.
ANSWER_TOKENS = 300
# OpenRouter's documentation says milliseconds, but its example has seconds. No model's median is below this
# many milliseconds, so a smaller value is taken as seconds.
SECONDS_BELOW = 20.0


def expected_ms(endpoints: JsonObject, *, stream: bool) -> float | None:
    """Return the median time to a stream's first token, or to a complete plain answer, in milliseconds.

    The fastest healthy endpoint counts. None if there are no statistics for any.
    Source: OpenRouter `latency_last_30m`, `throughput_last_30m`, `status`.

    Args:
        endpoints: the ``data`` object of OpenRouter's reply for a model's endpoints.
        stream: whether a stream is requested; a plain answer of ``ANSWER_TOKENS`` takes longer.
    """
    times = [_ms(object_or_empty(each), stream=stream) for each in list_or_empty(endpoints.get("endpoints"))]
    return min((ms for ms in times if ms is not None), default=None)


def slow_first_token_ms(endpoints: JsonObject) -> float | None:
    """Return the time within which nine in ten streams make their first progress, in milliseconds.

    The slowest healthy endpoint counts, because OpenRouter may choose any. None if there are no statistics.
    Source: OpenRouter `latency_last_30m`, whose percentiles are p50, p75, p90 and p99.

    Args:
        endpoints: the ``data`` object of OpenRouter's reply for a model's endpoints.
    """
    times = [_first_ms(object_or_empty(each), "p90") for each in list_or_empty(endpoints.get("endpoints"))]
    return max((ms for ms in times if ms is not None), default=None)


def _ms(endpoint: JsonObject, *, stream: bool) -> float | None:
    first_ms = _first_ms(endpoint, "p50")
    if first_ms is None or stream:
        return first_ms
    tokens_per_s = _percentile(endpoint.get("throughput_last_30m"), "p50")
    return first_ms + ANSWER_TOKENS / tokens_per_s * 1000 if tokens_per_s else None


def _first_ms(endpoint: JsonObject, percentile: str) -> float | None:
    status = number_or_none(endpoint.get("status"))
    median = _percentile(endpoint.get("latency_last_30m"), "p50")
    latency = _percentile(endpoint.get("latency_last_30m"), percentile)
    if median is None or latency is None or (status is not None and status < 0):
        return None
    return latency * 1000 if median < SECONDS_BELOW else latency


def _percentile(percentiles: Json, name: str) -> float | None:
    return number_or_none(object_or_empty(percentiles).get(name))
