"""Fills the fields of an answer that its provider has left out."""

from gateway.http.json_values import JsonObject

# Values that say nothing. An index is 0 all the same.
_ABSENT = (None, "")


def fill(fields: JsonObject, defaults: JsonObject) -> bool:
    """Set fields that are missing, null or empty to their defaults; return whether there were any."""
    missing = {name: value for name, value in defaults.items() if fields.get(name) in _ABSENT}
    fields.update(missing)
    return bool(missing)
