"""The bench's upstream answers both dialects, each on its path, and counts the words that arrived."""

import asyncio
import json
from typing import cast

import pytest

from bench.bodies import SHORT_EVENTS, STREAM_SHORT, WORD
from bench.connection import LAST_CHUNK, Reply, unchunked
from bench.messages.checks import plain_problem, stream_problem
from bench.scenarios import plain_problem as chat_problem
from bench.scenarios import stream_problem as chat_stream_problem
from bench.upstream import Exchange

WORDS = 30_000


class Wire:
    """A transport that collects what is written, and tells when it is a complete reply."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_complete = asyncio.Event()

    def write(self, data: bytes) -> None:
        self.written += data
        if b"content-length" in self.written or self.written.endswith(LAST_CHUNK):
            self.is_complete.set()


def ask(path: str, model: str, *, words: int = WORDS) -> Reply:
    return asyncio.run(_ask(path, model, words))


async def _ask(path: str, model: str, words: int) -> Reply:
    body = json.dumps({"model": model, "messages": WORD * words}).encode()
    request = b"POST /api/v1%b HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (path.encode(), len(body), body)
    wire, exchange = Wire(), Exchange()
    exchange.connection_made(cast(asyncio.Transport, wire))
    for start in range(0, len(request), 65_536):  # as a body of some size arrives
        assert not wire.written
        exchange.data_received(request[start : start + 65_536])
    await wire.is_complete.wait()
    head, _, raw = bytes(wire.written).partition(b"\r\n\r\n")
    return Reply(head.lower(), unchunked(raw) if b"chunked" in head else raw, 0.0, None)


@pytest.mark.parametrize("model", ["bench/1k", "bench/100k"])
def test_a_plain_answer_has_the_form_of_its_path(model: str) -> None:
    message, chat = ask("/messages", model), ask("/chat/completions", model)

    assert plain_problem(model, WORDS)(message) == ""
    assert chat_problem(model, WORDS)(chat) == ""


def test_a_stream_has_the_form_of_its_path() -> None:
    message, chat = ask("/messages", STREAM_SHORT), ask("/chat/completions", STREAM_SHORT)

    assert stream_problem(WORDS, SHORT_EVENTS)(message) == ""
    assert chat_stream_problem(chat, SHORT_EVENTS) == ""


def test_a_stream_of_messages_states_how_many_words_arrived() -> None:
    found = ask("/messages", STREAM_SHORT, words=WORDS - 1)

    assert f"{WORDS - 1} words of {WORDS}" in stream_problem(WORDS, SHORT_EVENTS)(found)


@pytest.mark.parametrize("path", ["/messages", "/chat/completions"])
def test_a_model_that_is_down_is_down_on_each_path(path: str) -> None:
    assert ask(path, "bench/down").status == 503
    assert ask(path, "bench/unknown").status == 404
