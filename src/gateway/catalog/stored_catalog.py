"""The format in which the catalogue is stored in KV and in memory: lines of JSON, most of them never parsed.

The first line is a header of JSON. One line for each model follows, in OpenRouter's order::

    {"version":3,"at_s":1795338000.0,"count":2,"crc32":3632233996}
    author/slug <tab> another name, or nothing <tab> {"id":"author/slug",…}

A model's JSON is what ``GET /v1/models`` shows of it, so a list of models is a join of bytes. A line holds no
other tabs or line breaks: JSON escapes both. A model is left out if its id is not printable ASCII without
spaces; such a slug is stored as nothing.

Anything may stand in KV, so the form of a list is checked when it is read. The JSON of a line is checked when
it is needed: to parse 650 models takes 8 ms on Pyodide 314, and to check their form less than 1 ms.
"""

from zlib import crc32

from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty
from gateway.memory.catalog import Catalog

KEY = "catalog"
VERSION = 3  # of the format: a value of another version is ignored and rebuilt
_PRINTABLE = bytes(range(ord("!"), ord("~") + 1))
MAX_HEADER_BYTES = 200  # a longer first line is not a header, and is not parsed


def catalog_of(models: list[JsonObject], *, fetched_at_s: float) -> Catalog:
    """Return a catalogue of these models, in their shown form; models without a usable id are left out.

    Raises:
        ValueError: a model holds a value that JSON cannot represent, such as infinity.
    """
    lines = tuple(_line_of(model) for model in models if _is_name(model.get("id")))
    return Catalog(fetched_at_s, lines, crc32(b"\n".join(lines)), is_checked=True)


def to_stored(catalog: Catalog) -> bytes:
    """Return the stored form of a catalogue."""
    header: JsonObject = {
        "version": VERSION,
        "at_s": catalog.fetched_at_s,
        "count": len(catalog),
        "crc32": catalog.crc32,
    }
    return b"\n".join([to_json_bytes(header), *catalog.lines])


def from_stored(raw: bytes) -> Catalog | None:
    """Return the catalogue of a stored value; None if it is corrupted, malformed, or of another version.

    The JSON of its lines is not parsed. See ``Catalog.check``.
    """
    first_line, _, body = raw.partition(b"\n")
    if len(first_line) > MAX_HEADER_BYTES:
        return None
    try:
        header = object_or_empty(parse_json(first_line))
    except ValueError:
        return None
    at_s, checksum = number_or_none(header.get("at_s")), crc32(body)
    if header.get("version") != VERSION or at_s is None or header.get("crc32") != checksum:
        return None
    lines = tuple(body.split(b"\n"))
    is_list = header.get("count") == len(lines) and all(map(_is_line, lines))
    return Catalog(at_s, lines, checksum) if is_list else None


def _is_line(line: bytes) -> bool:
    """Return whether a line has a name, another name or nothing, and what may be a JSON object."""
    fields = line.split(b"\t")
    if len(fields) != 3:
        return False
    name, other, raw = fields
    is_printable = not (name + other).translate(None, _PRINTABLE)
    return bool(name) and is_printable and raw.startswith(b"{") and raw.endswith(b"}")


def _line_of(model: JsonObject) -> bytes:
    """Return a model's line: its id, another name, and its JSON."""
    model_id, slug = str(model["id"]), model.get("canonical_slug")
    _, colon, variant = model_id.partition(":")
    # A variant has its base model's slug but another price, so its other name is the slug with the variant.
    other = f"{slug}{colon}{variant}" if _is_name(slug) else ""
    return b"\t".join([model_id.encode(), b"" if other == model_id else other.encode(), to_json_bytes(model)])


def _is_name(value: object) -> bool:
    """Return whether the value is a text of printable ASCII without spaces, and not empty."""
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and bool(value)
        and " " not in value
    )
