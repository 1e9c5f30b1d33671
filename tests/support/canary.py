"""A marker text for leak tests: a test plants it in a payload and checks that no output contains it."""

from gateway.http.json_values import Json

CANARY = "Canary, somebody's own text!"


def with_canaries(value: Json) -> Json:
    """Return ``value`` with each string in it replaced by the canary; the keys stay."""
    if isinstance(value, str):
        return CANARY
    if isinstance(value, list):
        return [with_canaries(each) for each in value]
    if isinstance(value, dict):
        return {name: with_canaries(each) for name, each in value.items()}
    return value
