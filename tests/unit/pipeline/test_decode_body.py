import gzip
import json
import zlib

import pytest

from tests.support.chunks import text_in
from tests.support.world import TOKEN, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
BODY = json.dumps(chat("a/one", user="é" * 100)).encode()
BOM = b"\xef\xbb\xbf"


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


async def post(raw: bytes, encoding: str | None = None, *, world: World | None = None) -> Answer:
    headers = {"authorization": f"Bearer {TOKEN}"} | ({"content-encoding": encoding} if encoding else {})
    return await finish(await (world or World()).begin(raw, headers=headers))


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        pytest.param(gzip.compress(BODY), "gzip", id="gzip"),
        pytest.param(gzip.compress(BODY), "X-GZip", id="its older name"),
        pytest.param(gzip.compress(BODY), "identity, gzip", id="identity beside it"),
        pytest.param(zlib.compress(BODY), "deflate", id="deflate"),
        pytest.param(raw_deflate(BODY), "deflate", id="deflate without the header of zlib"),
        pytest.param(gzip.compress(BOM + BODY), "gzip", id="gzip of a byte order mark"),
        pytest.param(BOM + BODY, None, id="a byte order mark"),
        pytest.param(BODY, "identity", id="identity"),
    ],
)
async def test_a_body_in_a_known_coding_is_read(raw: bytes, encoding: str | None) -> None:
    world = World()

    got = await post(raw, encoding, world=world)

    assert got.status == 200
    (call,) = world.upstream.received
    assert call.body == {"model": "a/one", **chat(user="é" * 100)}
    assert "content-encoding" not in call.headers


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip, br", "canary"])
async def test_a_coding_that_is_not_supported_is_refused_by_name(encoding: str) -> None:
    world = World()

    got = await post(gzip.compress(BODY), encoding, world=world)

    assert (got.status, got.error["code"]) == (415, "unsupported_encoding")
    assert got.error["param"] == "content-encoding"
    assert "`Content-Encoding`" in got.error["message"]
    assert got.headers["accept-encoding"] == "gzip, deflate"
    assert b"canary" not in got.body
    assert not world.upstream.received


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (gzip.compress(BODY)[:-9], "gzip"),
        (gzip.compress(BODY) + b"more", "gzip"),
        (gzip.compress(BODY) + gzip.compress(BODY), "gzip"),
        (zlib.compress(BODY), "gzip"),
        (gzip.compress(BODY), "deflate"),
        (b"hello", "gzip"),
        (b"\x08", "deflate"),
    ],
)
async def test_a_body_that_is_not_in_its_coding_is_refused(raw: bytes, encoding: str) -> None:
    got = await post(raw, encoding)

    assert (got.status, got.error["code"]) == (400, "invalid_json")
    assert "`Content-Encoding`" in got.error["message"]


@pytest.mark.parametrize("limit_bytes", [len(BODY), len(BODY) - 1])
async def test_the_limit_counts_the_decoded_bytes(limit_bytes: int) -> None:
    got = await post(gzip.compress(BODY), "gzip", world=World({"MAX_BODY_BYTES": str(limit_bytes)}))

    assert got.status == (200 if limit_bytes == len(BODY) else 413)


async def test_a_small_body_that_inflates_to_gigabytes_is_refused() -> None:
    bomb = gzip.compress(b"[" * 50_000_000, compresslevel=1)

    got = await post(bomb, "gzip", world=World({"MAX_BODY_BYTES": "1000000"}))

    assert (got.status, got.error["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("raw", "look"),
    [
        (gzip.compress(BODY), "compressed (gzip)"),
        (zlib.compress(BODY), "compressed (deflate)"),
        (b"\x28\xb5\x2f\xfd" + BODY, "compressed (zstd)"),
        (BODY.decode().encode("utf-16"), "UTF-16"),
        (BODY.decode().encode("utf-16-le"), "UTF-16"),
        (BODY.decode().encode("utf-16-be"), "UTF-16"),
        (BODY.decode().encode("utf-32"), "UTF-16 or UTF-32"),
        (BODY.decode().encode("utf-32-be"), "UTF-16 or UTF-32"),
        (gzip.compress(bytes(range(256)) * 2_000 + zlib.compress(BODY * 9), 0), "compressed (gzip)"),
    ],
)
async def test_the_error_says_what_a_body_that_is_no_text_looks_like(raw: bytes, look: str) -> None:
    got = await post(raw, world=World({"MAX_BODY_VALUES": "500"}))

    assert (got.status, got.error["code"]) == (400, "invalid_json")
    assert look in got.error["message"]


async def test_a_stream_can_be_requested_with_a_compressed_body() -> None:
    raw = gzip.compress(json.dumps(chat("a/one", stream=True)).encode())

    got = await post(raw, "gzip")

    assert text_in(got.events)
