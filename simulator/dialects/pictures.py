"""Small real PNG images, deterministic, of any size in bytes."""

import hashlib
import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ONE_PIXEL_RGB = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
_PRIVATE_CHUNK = b"siMp"  # ancillary and private: readers skip it


def png(text: str, padding_bytes: int = 0) -> bytes:
    """Return an image of one pixel, whose colour comes from the text."""
    colour = hashlib.sha256(text.encode()).digest()[:3]
    padding = _chunk(_PRIVATE_CHUNK, bytes(padding_bytes)) if padding_bytes else b""
    pixels = _chunk(b"IDAT", zlib.compress(b"\0" + colour))
    return _SIGNATURE + _chunk(b"IHDR", _ONE_PIXEL_RGB) + padding + pixels + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
