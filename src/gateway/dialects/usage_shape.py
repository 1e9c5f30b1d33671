"""Brings the usage of an answer into one shape: three whole counts, and nothing that nobody said."""

from gateway.http.json_values import Json, JsonObject, number_or_none

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")
MAX_CHARACTERS = 20
MAX_COUNT = 10**15


def shape_usage(payload: JsonObject) -> bool:
    """Give the usage its three counts as whole numbers; return whether anything changed.

    A usage that is missing or empty becomes null. A cost and details that are null are left out: clients
    expect a number or nothing.
    """
    usage = payload.get("usage")
    if not isinstance(usage, dict) or not usage:
        changed = "usage" not in payload or usage is not None
        payload["usage"] = None
        return changed
    changed = _make_whole(usage, _COUNTS)
    for name in _DETAILS:
        details = usage.get(name)
        if isinstance(details, dict):
            changed |= _make_whole(details, tuple(name for name in details if name.endswith("_tokens")))
    prompt, completion = (_count(usage.get(name)) for name in _COUNTS[:2])
    totals: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    missing = {name: count for name, count in totals.items() if usage.get(name) is None}
    usage.update(missing)
    unsaid = [name for name in ("cost", *_DETAILS) if name in usage and usage[name] is None]
    for name in unsaid:
        del usage[name]
    return changed or bool(missing) or bool(unsaid)


def _make_whole(fields: JsonObject, names: tuple[str, ...]) -> bool:
    """Turn the named counts that are text or fractions into whole numbers; drop what is no number."""
    odd = [name for name in names if type(value := fields.get(name)) is not int and value is not None]
    for name in odd:
        fields[name] = count_or_none(fields[name])
    return bool(odd)


def count_or_none(value: Json) -> int | None:
    """Return a number, or a text that is one, as a whole number up to ``MAX_COUNT``; None if it is none."""
    if isinstance(value, str) and len(value) <= MAX_CHARACTERS:
        try:
            value = float(value)
        except ValueError:
            return None
    number = number_or_none(value)
    return None if number is None else int(max(-MAX_COUNT, min(MAX_COUNT, number)))


def _count(value: Json) -> int:
    return value if type(value) is int else 0
