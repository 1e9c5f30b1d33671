"""Decodes the body of a request that is not plain JSON: gzip or deflate, by its ``Content-Encoding``.

Few requests need it: it is imported when a body could not be read.
"""

import zlib
from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.errors import GatewayError
from gateway.http.message import BodyTooLargeError

CONTENT_ENCODING = "content-encoding"
# For each content coding, how zlib reads it. Source: RFC 9110, section 8.4.1; zlib's manual, `inflateInit2`.
WINDOW_BITS: Mapping[str, int] = MappingProxyType({"gzip": 31, "x-gzip": 31, "deflate": 15})
_RAW_DEFLATE_BITS = -15  # some clients send `deflate` without the header that zlib expects

# The first bytes of a body that is no text in UTF-8, and what they show.
LOOKS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "looks compressed (gzip)"),
    (b"\x28\xb5\x2f\xfd", "looks compressed (zstd)"),
    *((b"\x78" + level, "looks compressed (deflate)") for level in (b"\x01", b"\x9c", b"\xda")),
    (b"\xff\xfe", "looks like UTF-16 or UTF-32"),
    (b"\xfe\xff", "looks like UTF-16 or UTF-32"),
)


def decoded(raw: bytes, encoding: str | None, *, limit_bytes: int, error: GatewayError) -> bytes:
    """Return a body without its content coding.

    Args:
        raw: the body, which is not JSON as it is.
        encoding: the value of ``Content-Encoding``; None if there is none.
        limit_bytes: how many bytes the decoded body may have. No more are decoded.
        error: why the body could not be read as it is.

    Raises:
        GatewayError: the coding is not supported, or the body is not in it. Without a coding it is ``error``,
            unless the body's first bytes show what it is.
        BodyTooLargeError: the decoded body has more than ``limit_bytes``.
    """
    codings = [name for each in (encoding or "").split(",") if (name := each.strip().lower())]
    codings = [name for name in codings if name != "identity"]
    if not codings:
        raise _told(raw, error)
    if len(codings) > 1 or codings[0] not in WINDOW_BITS:
        raise GatewayError(
            "unsupported_encoding",
            "The body's `Content-Encoding` is not supported. Send it with gzip or deflate, or without one.",
            param=CONTENT_ENCODING,
            headers=(("accept-encoding", "gzip, deflate"),),  # RFC 9110, section 15.5.16
        )
    return _inflated(raw, WINDOW_BITS[codings[0]], limit_bytes)


def _inflated(raw: bytes, window_bits: int, limit_bytes: int) -> bytes:
    if window_bits == WINDOW_BITS["deflate"] and (raw[0] & 0x0F != 8 or int.from_bytes(raw[:2]) % 31):
        window_bits = _RAW_DEFLATE_BITS
    inflater = zlib.decompressobj(window_bits)
    try:
        body = inflater.decompress(raw, limit_bytes + 1)
    except zlib.error:
        body = b""
    if len(body) > limit_bytes:
        raise BodyTooLargeError
    if not inflater.eof or inflater.unused_data:
        raise GatewayError(
            "invalid_json",
            "The body is not what its `Content-Encoding` says, or it is cut off.",
            param=CONTENT_ENCODING,
        )
    return body


def _told(raw: bytes, error: GatewayError) -> GatewayError:
    """Return the error that says what a body without a content coding looks like, else ``error``."""
    look = next((look for beginning, look in LOOKS if raw.startswith(beginning)), None)
    if look is None and b"\0" in raw[:2]:  # half of an ASCII character of UTF-16
        look = "looks like UTF-16 or UTF-32"
    if look is None:
        return error
    return GatewayError(
        "invalid_json",
        f"The body {look}. Send JSON in UTF-8; a compressed body needs the header `Content-Encoding`.",
        param="body",
    )
