"""A marker text for leak tests: a test plants it in a payload and checks that no output contains it."""

from gateway.http.json_values import Json

CANARY = "Canary, somebody's own text!"


def with_canaries(value: Json, *, besides: tuple[str, ...] = ()) -> Json:
    """Return ``value`` with each string in it replaced by the canary; the keys stay.

    The strings that are the values of the keys ``besides`` stay too.
    """
    if isinstance(value, str):
        return CANARY
    if isinstance(value, list):
        return [with_canaries(each, besides=besides) for each in value]
    if isinstance(value, dict):
        return {
            name: each if name in besides and isinstance(each, str) else with_canaries(each, besides=besides)
            for name, each in value.items()
        }
    return value
