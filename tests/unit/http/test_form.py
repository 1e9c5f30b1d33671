"""Which forms are read, and which are refused because two programs could read them in two ways."""

import pytest

from gateway.http.form import MAX_PARTS, Form, FormError, is_form, read_form
from gateway.http.upstream_form import UpstreamForm
from simulator import form as second_reader

BOUNDARY = "b0undary"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
FILE = bytes(range(256)) * 20


def part(name: str, value: bytes = b"v", *headers: bytes, disposition: bytes = b"") -> bytes:
    first = disposition or b'form-data; name="%b"' % name.encode()
    lines = b"\r\n".join((b"Content-Disposition: " + first, *headers))
    return b"--%b\r\n%b\r\n\r\n%b\r\n" % (BOUNDARY.encode(), lines, value)


END = b"--%b--\r\n" % BOUNDARY.encode()
RECORDING = part(
    "file", FILE, b"Content-Type: audio/wav", disposition=b'form-data; name="file"; filename="a.wav"'
)


def read(*parts: bytes, end: bytes = END, content_type: str = TYPE) -> Form:
    return read_form(b"".join((*parts, end)), content_type)


def test_parts_are_read_in_order_and_a_file_is_not_copied() -> None:
    raw = part("model", b"a/one") + RECORDING + END
    form = read_form(raw, TYPE)

    assert [(each.name, each.is_file) for each in form.parts] == [("model", False), ("file", True)]
    assert form.parts[0].text() == "a/one"
    assert form.parts[1].value == FILE
    assert form.parts[1].value.obj is raw


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"', BOUNDARY),
        (f"multipart/form-data;BOUNDARY={BOUNDARY}", BOUNDARY),
    ],
)
def test_a_boundary_may_be_written_in_several_ways(content_type: str, boundary: str) -> None:
    assert is_form(content_type)
    assert read(part("a"), content_type=content_type).boundary == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'x' * 71}",
        f"multipart/form-data; boundary={BOUNDARY}; boundary=other",
        f"multipart/form-data; boundary={BOUNDARY}; x",
        'multipart/form-data; boundary="b0undary',
        'multipart/form-data; boundary="a\\"b"',
        'multipart/form-data; boundary="ends with a space "',
        "multipart/form-data; boundary=ü",
    ],
)
def test_a_boundary_that_is_not_valid_is_refused(content_type: str) -> None:
    with pytest.raises(FormError) as caught:
        read(part("a"), content_type=content_type)

    assert caught.value.part == "content-type"


BAD = {
    "nothing": [b""],
    "no end": [part("a"), b""],
    "cut off in a value": [part("a")[:-3], b""],
    "cut off in headers": [part("a")[:30], b""],
    "LF only": [part("a").replace(b"\r\n", b"\n"), END.replace(b"\r\n", b"\n")],
    "LF before the boundary": [part("a")[:-2] + b"\n", END],
    "a preamble": [b"hello\r\n", part("a"), END],
    "an epilogue": [part("a"), END + part("model", b"other")],
    "a second end": [part("a"), END + END],
    "the boundary in a value": [part("a", b"x--b0undaryx"), END],
    "the boundary at a line's beginning": [part("a", b"x\r\n--b0undary1"), END],
    "the boundary after LF": [
        part("a", b'x\n--b0undary\r\nContent-Disposition: form-data; name="model"'),
        END,
    ],
    "blanks after the boundary": [part("a").replace(b"b0undary\r\n", b"b0undary  \r\n"), END],
    "another boundary": [part("a").replace(b"b0undary", b"other"), END],
    "no headers": [b"--b0undary\r\n\r\nv\r\n", END],
    "no part at all between boundaries": [b"--b0undary\r\n", END],
    "no disposition": [b"--b0undary\r\nContent-Type: text/plain\r\n\r\nv\r\n", END],
    "no name": [part("", disposition=b"form-data"), END],
    "an empty name": [part("", disposition=b'form-data; name=""'), END],
    "two names": [part("", disposition=b'form-data; name="a"; name="model"'), END],
    "an attachment": [part("", disposition=b'attachment; name="a"'), END],
    "a name with a backslash": [part("", disposition=b'form-data; name="mo\\del"'), END],
    "a name with an escape": [part("", disposition=b'form-data; name="mo%64el"'), END],
    "an extended name": [part("", disposition=b"form-data; name=a; name*=utf-8''model"), END],
    "a quote that ends a filename": [
        part("", disposition=b'form-data; name="a"; filename="a\\"; name="model"'),
        END,
    ],
    "two dispositions": [part("a", b"v", b'Content-Disposition: form-data; name="model"'), END],
    "a folded header": [part("a", b"v", b' ; filename="x"'), END],
    "a bare LF in a header": [part("a", b"v", b'X: a\nContent-Disposition: form-data; name="model"'), END],
    "a NUL in a header": [part("a", b"v", b"X: a\0"), END],
    "a header without a colon": [part("a", b"v", b"X"), END],
    "a blank before the colon": [part("a", b"v", b"Content-Type : text/plain"), END],
    "a header that is not UTF-8": [part("a", b"v", b"X: \xff"), END],
    "headers that are too large": [part("a", b"v", b"X: " + b"x" * 5_000), END],
    "an encoded part": [part("a", b"v", b"Content-Transfer-Encoding: base64"), END],
    "too many parts": [part("a") * (MAX_PARTS + 1), END],
}


@pytest.mark.parametrize("pieces", BAD.values(), ids=BAD)
def test_a_form_that_is_not_clear_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(FormError):
        read_form(b"".join(pieces), TYPE)


@pytest.mark.parametrize(
    "disposition",
    [
        b'form-data; name="a"; filename="C:\\dir\\x.wav"',
        b'form-data; name="a"; filename="a \\"b\\".wav"',
        b'form-data; name="a"; filename="x.wav"; filename*=utf-8\'\'%C3%BC.wav',
        'form-data; name="a"; filename="ü.wav"'.encode(),
        b"form-data; name=a; filename=x.wav",
    ],
)
def test_a_filename_may_have_backslashes_and_any_character(disposition: bytes) -> None:
    (only,) = read(part("", FILE, disposition=disposition)).parts

    assert (only.name, only.is_file, bytes(only.value)) == ("a", True, FILE)


@pytest.mark.parametrize(
    ("value", "header"),
    [(b"\xff", b"X: a"), (b"v", b"Content-Type: text/plain; charset=utf-16"), (b"x" * 1_048_577, b"X: a")],
)
def test_a_text_is_utf8_and_not_too_long(value: bytes, header: bytes) -> None:
    (only,) = read(part("a", value, header)).parts

    with pytest.raises(FormError):
        only.text()


def test_a_form_goes_upstream_with_another_model_and_the_same_file() -> None:
    form = read(part("model", b"a/one"), part("language", b"en"), part("gateway", b"{}"), RECORDING)
    sent = UpstreamForm(form, {"model", "gateway"})
    parts = second_reader.parts_of(b"".join(sent.with_model("b/two")), sent.content_type)

    assert parts is not None
    assert [(each.name, each.data) for each in parts] == [
        ("model", b"b/two"),
        ("language", b"en"),
        ("file", FILE),
    ]
    assert RECORDING in b"".join(sent.with_model("b/two"))
    without = second_reader.parts_of(b"".join(sent.with_model("b/two", but={"language"})), sent.content_type)
    assert [each.name for each in without or ()] == ["model", "file"]


def test_the_bytes_of_a_form_are_not_copied_for_a_model() -> None:
    raw = part("language", b"en") + RECORDING + END
    pieces = UpstreamForm(read_form(raw, TYPE), {"model"}).with_model("b/two")

    assert [each.obj is raw for each in pieces if isinstance(each, memoryview)] == [True, True]
