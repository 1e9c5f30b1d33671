"""Writes a caller's form again for each model that is asked, with the model's name."""

from collections.abc import Collection

from gateway.http.form import FORM_TYPE, Form


class UpstreamForm:
    """A form that goes upstream. Its parts are the caller's bytes, without the gateway's own parts.

    Args:
        form: the caller's form.
        own: the names of the parts that are the gateway's.
    """

    def __init__(self, form: Form, own: Collection[str]) -> None:
        self._form = form
        self._own = own

    @property
    def content_type(self) -> str:
        """The value of ``Content-Type``. In quotes, a boundary may have any character."""
        return f'{FORM_TYPE}; boundary="{self._form.boundary}"'

    def with_model(self, model: str, *, but: Collection[str] = ()) -> tuple[bytes | memoryview, ...]:
        """Return the pieces of the body that asks a model, without the parts ``but``. No part is copied."""
        begin = f"--{self._form.boundary}\r\n".encode()
        pieces: list[bytes | memoryview] = [
            begin,
            b'Content-Disposition: form-data; name="model"\r\n\r\n%b\r\n' % model.encode(),
        ]
        for part in self._form.parts:
            if part.name not in self._own and part.name not in but:
                pieces += (begin, part.whole, b"\r\n")
        return (*pieces, f"--{self._form.boundary}--\r\n".encode())
