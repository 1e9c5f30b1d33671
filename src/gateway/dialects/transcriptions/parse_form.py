"""Parses a form with a recording into a ``ModelRequest``: its fields are checked as those of a JSON body.

``models``, ``gateway`` and ``provider`` are JSON in a form, each in one part. OpenAI's SDKs send a list as
parts of one name with ``[]`` at its end.
"""

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace

from gateway.dialects.answer_test import Expected
from gateway.dialects.body import FIELD_NAME, OWN, read_body
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_request import plain_request
from gateway.dialects.transcriptions.fields import FIELDS, FILE
from gateway.dialects.transcriptions.parse import requirements_of_recording
from gateway.http.errors import GatewayError
from gateway.http.form import Form, FormError, Part, read_form
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import Json, number_or_none
from gateway.http.upstream_form import UpstreamForm

AS_JSON = ("models", "gateway", "provider")
LIST_END = "[]"
WORDS = {"true": True, "false": False}


def parse_form(raw: bytes, content_type: str, *, max_values: int) -> ModelRequest:
    """Return the request for a transcription in a form.

    Raises:
        GatewayError: the form is not a valid request for a transcription; ``param`` names the part.
    """
    try:
        form = read_form(raw, content_type)
        fields, file = _fields_in(form, max_values), _file_in(form)
    except FormError as error:
        raise GatewayError("invalid_body", f"The form is not valid: {error}.", param=error.part) from None
    text = b"{%b}" % b",".join(b"%b:%b" % (to_json_bytes(name), value) for name, value in fields.items())
    body, members = read_body(text, FIELDS, max_values=max_values)
    file_bytes = len(file.value)
    requirements = requirements_of_recording(body, file_bytes, total_bytes=len(text) + file_bytes)
    request = plain_request(body, members, requirements, Expected())
    own = {*OWN, *(name + LIST_END for name in OWN)}
    return replace(request, form=UpstreamForm(form, own))


def _file_in(form: Form) -> Part:
    """Return the part with the recording.

    Raises:
        GatewayError: there is none, or it is empty.
    """
    file = next((part for part in form.parts if part.name == FILE), None)
    if file is None:
        raise GatewayError("missing_field", "`file` is required: the part with the recording.", param=FILE)
    if not len(file.value):
        raise GatewayError("invalid_field", "`file` is empty.", param=FILE)
    return file


def _fields_in(form: Form, max_values: int) -> dict[str, bytes]:
    """Return the values of all parts that are no files, as JSON, by the name of their field.

    Raises:
        GatewayError: a part is there twice, or its value is not what it must be.
        FormError: a part is no text in UTF-8.
    """
    fields: dict[str, bytes] = {}
    lists: defaultdict[str, list[Json]] = defaultdict(list)
    seen: set[str] = set()
    for part in form.parts:
        if part.name.endswith(LIST_END):
            lists[part.name.removesuffix(LIST_END)].append(part.text())
        elif part.name in seen:
            raise _wrong(part.name, "is in the form twice")
        elif "[" in part.name and part.name.partition("[")[0] in FIELDS:  # an object, as some SDKs write it
            raise _wrong(part.name.partition("[")[0], "must be one part with JSON")
        elif part.name != FILE and not part.is_file:
            fields[part.name] = _as_json(part, max_values)
        elif part.name in FIELDS:
            raise _wrong(part.name, "must be a text, and not a file")
        seen.add(part.name)
    if not lists.keys().isdisjoint(fields):
        raise _wrong(next(name for name in lists if name in fields), "is in the form twice")
    return fields | {name: to_json_bytes(each) for name, each in lists.items()}


def _as_json(part: Part, max_values: int) -> bytes:
    """Return the value of a part as JSON."""
    name, text = part.name, part.text()
    if name in AS_JSON:
        try:
            parse_json(text.encode(), max_values=max_values)
        except ValueError:
            raise _wrong(name, "must be JSON") from None
        return text.encode()
    if name == "temperature":
        with suppress(ValueError):
            if number_or_none(parse_json(text.encode())) is not None:
                return text.encode()
    if name == "stream":
        return to_json_bytes(WORDS.get(text, text))
    return to_json_bytes(text)


def _wrong(name: str, what: str) -> GatewayError:
    shown = name if FIELD_NAME.fullmatch(name) else "…"  # errors must not repeat a caller's text
    return GatewayError("invalid_field", f"`{shown}` {what}.", param=shown)
