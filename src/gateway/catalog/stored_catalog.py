"""The models that OpenRouter has, as an isolate keeps them: lines of JSON, of which few are ever parsed.

What is stored is a line of JSON about the rest, then a line for each model, in OpenRouter's order::

    {"version":3,"at_s":1795338000.0,"count":2,"crc32":3632233996}
    author/slug <tab> another name, or nothing <tab> {"id":"author/slug",…}

The JSON of a model is what ``GET /v1/models`` shows of it, so that a list is a join of bytes. No line break
and no tab is in it: JSON escapes both, and a name that is no plain word is not kept.
"""

from zlib import crc32

from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty
from gateway.memory.catalog import Catalog

KEY = "catalog"
VERSION = 3  # of what is stored: a value of another version is ignored, and rebuilt
MAX_HEADER_BYTES = 200  # a longer first line is no header: what it is instead need not be parsed


def catalog_of(models: list[JsonObject], *, fetched_at_s: float) -> Catalog:
    """Return the copy that holds these models, each as it is shown; those without a usable id are left out.

    Raises:
        ValueError: one holds what JSON cannot carry.
    """
    lines = tuple(_line_of(model) for model in models if _is_name(model.get("id")))
    return Catalog(fetched_at_s, lines, crc32(b"\n".join(lines)))


def to_stored(catalog: Catalog) -> bytes:
    """Return the copy as it is stored."""
    header: JsonObject = {
        "version": VERSION,
        "at_s": catalog.fetched_at_s,
        "count": len(catalog),
        "crc32": catalog.crc32,
    }
    return b"\n".join([to_json_bytes(header), *catalog.lines])


def from_stored(raw: bytes) -> Catalog | None:
    """Return a stored copy; None where it is corrupted, or of another version."""
    head, _, body = raw.partition(b"\n")
    if len(head) > MAX_HEADER_BYTES:
        return None
    try:
        header = object_or_empty(parse_json(head))
    except ValueError:
        return None
    at_s, checksum = number_or_none(header.get("at_s")), crc32(body)
    if header.get("version") != VERSION or at_s is None or header.get("crc32") != checksum:
        return None
    lines = tuple(body.split(b"\n"))
    return Catalog(at_s, lines, checksum) if body and header.get("count") == len(lines) else None


def _line_of(model: JsonObject) -> bytes:
    name, slug = str(model["id"]), model.get("canonical_slug")
    _, colon, variant = name.partition(":")
    # A variant shares the slug of its model, whose price is another: it goes by the slug with the variant.
    other = f"{slug}{colon}{variant}" if _is_name(slug) else ""
    return b"\t".join([name.encode(), b"" if other == name else other.encode(), to_json_bytes(model)])


def _is_name(value: object) -> bool:
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and bool(value)
        and " " not in value
    )
