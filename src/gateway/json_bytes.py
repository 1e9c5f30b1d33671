"""JSON as bytes, whatever its strings hold."""

import json

from gateway.wire import Json


def to_json_bytes(value: Json) -> bytes:
    """Return ``value`` as compact JSON in UTF-8.

    Raises:
        ValueError: it holds a number that JSON cannot carry (infinity, not a number), or nests too deeply.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except UnicodeEncodeError:  # a lone surrogate: legal as an escape, not as UTF-8
        return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
