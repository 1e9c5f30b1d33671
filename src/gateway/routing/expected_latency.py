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


def _ms(endpoint: JsonObject, *, stream: bool) -> float | None:
    status = number_or_none(endpoint.get("status"))
    latency = _median(endpoint.get("latency_last_30m"))
    if latency is None or (status is not None and status < 0):
        return None
    first_ms = latency * 1000 if latency < SECONDS_BELOW else latency
    if stream:
        return first_ms
    tokens_per_s = _median(endpoint.get("throughput_last_30m"))
    return first_ms + ANSWER_TOKENS / tokens_per_s * 1000 if tokens_per_s else None


def _median(percentiles: Json) -> float | None:
    return number_or_none(object_or_empty(percentiles).get("p50"))
