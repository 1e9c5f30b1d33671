"""Tests which headers of a caller go to OpenRouter."""

import pytest

from gateway.dialects.messages.dialect import MESSAGES
from gateway.http.message import HeaderPairs, HttpRequest

VERSION = ("anthropic-version", "2023-06-01")


async def no_body(_: int) -> bytes:
    return b""


def sent(*pairs: tuple[str, str]) -> HeaderPairs:
    request = HttpRequest(
        method="POST",
        host="gateway.example",
        path="/v1/messages",
        header=dict(pairs).get,
        named=lambda beginning: tuple(pair for pair in pairs if pair[0].startswith(beginning)),
        read_body=no_body,
    )
    return MESSAGES.upstream_headers(request)


def test_the_version_is_always_sent() -> None:
    assert sent() == (VERSION,)
    assert sent(("anthropic-version", "2030-01-01")) == (("anthropic-version", "2030-01-01"),)


def test_headers_that_begin_with_anthropic_go_on_in_a_fixed_order() -> None:
    beta = ("anthropic-beta", "a-2025-01-01,b-2025-01-01")
    new = ("anthropic-new-thing", "x")

    assert sent(new, beta) == sent(beta, new) == (beta, new, VERSION)


def test_no_other_header_goes_on() -> None:
    assert sent(("authorization", "x"), ("x-api-key", "x"), ("x-anthropic-y", "x"), ("cookie", "x")) == (
        VERSION,
    )


@pytest.mark.parametrize(
    "value",
    ["", " ", "a\r\nx: y", "a\nb", "ü", "\x00", "x" * 8_193],
    ids=["empty", "blank", "CRLF", "LF", "not ASCII", "NUL", "long"],
)
def test_a_value_that_cannot_be_sent_is_left_out(value: str) -> None:
    assert sent(("anthropic-beta", value)) == (VERSION,)
    assert sent(("anthropic-version", value)) == (VERSION,)


@pytest.mark.parametrize(
    "name", ["anthropic-", "anthropic-Ü", "anthropic-a b", "anthropic-a:", "anthropic-" + "a" * 65]
)
def test_a_name_that_cannot_be_sent_is_left_out(name: str) -> None:
    assert sent((name, "x")) == (VERSION,)


def test_the_number_of_headers_is_limited() -> None:
    assert len(sent(*((f"anthropic-{number}", "x") for number in range(100)))) == 20
