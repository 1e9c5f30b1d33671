"""How long a model may take, by what OpenRouter says of its endpoints: for models not yet measured here."""

from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, object_or_empty

# What a plain answer is waited for beyond its first token.
ANSWER_TOKENS = 300
# OpenRouter's text says milliseconds, its example has seconds; no model's median is below this many ms.
SECONDS_BELOW = 20.0


def expected_ms(endpoints: JsonObject, *, stream: bool) -> float | None:
    """Return the median time to a stream's first token, or to a whole answer of ordinary length, in ms.

    ``endpoints`` is the ``data`` of a model's endpoints. Counts the fastest endpoint that is healthy; None
    where none has been measured. Source: OpenRouter `latency_last_30m`, `throughput_last_30m`, `status`.
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
