"""A text that must not come through: planted in a payload, looked for in what comes out."""

from gateway.http.json_values import Json

CANARY = "Canary, somebody's own text!"


def with_canaries(value: Json) -> Json:
    """Return ``value`` with every string in it replaced by the canary; its keys stay."""
    if isinstance(value, str):
        return CANARY
    if isinstance(value, list):
        return [with_canaries(each) for each in value]
    if isinstance(value, dict):
        return {name: with_canaries(each) for name, each in value.items()}
    return value
