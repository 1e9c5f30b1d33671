"""Time limits: each one holds, and counts a stream's progress rather than its bytes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.chat import (
    CHAT,
    OK_TEXT,
    SLACK_S,
    cut_off_in,
    error_in,
    openai,
    post,
    question,
    said_in,
)
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

KEEP_ALIVE = b": keep-alive\n\n"


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    began_s = time.monotonic()
    yield
    took_s = time.monotonic() - began_s
    assert took_s < limit_s + SLACK_S, f"{took_s:.1f} s, and the limit was {limit_s} s"


@pytest.mark.parametrize("stream", [False, True])
def test_the_deadline_limits_the_chain_and_not_each_model(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    models = ("sim/hang", "sim/hang-body", "sim/stall-before", "sim/comments-only")
    body = question(journal, *models, stream=stream, gateway={"deadline_ms": 800})
    with within(0.8):
        answer = post(gateway, body)
    assert answer.status_code == 504
    assert error_in(answer)["metadata"]["gateway"]["ms"] < 800 + 1000 * SLACK_S
    journal.wait_until(lambda entries: all(entry["outcome"] == "cancelled" for entry in entries))


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_hangs_leaves_time_for_the_next(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    body = question(journal, "sim/hang", "sim/ok", stream=stream, gateway={"deadline_ms": 2000})
    with within(1.0):
        answer = post(gateway, body)
    assert answer.headers["x-gateway-trace"] == "sim/hang=attempt_timeout,sim/ok=ok"


@pytest.mark.parametrize("model", ["sim/hang", "sim/hang-body", "sim/whitespace", "sim/stall-after"])
def test_a_plain_attempt_ends_at_its_limit_even_if_bytes_arrive(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    with within(0.4):
        answer = post(gateway, question(journal, model, gateway={"attempt_ms": 400}))
    assert (answer.status_code, error_in(answer)["code"]) == (504, "attempt_timeout")
    journal.wait_until(lambda entries: [each["outcome"] for each in entries] == ["cancelled"])


@pytest.mark.parametrize("model", ["sim/hang", "sim/stall-before", "sim/comments-only", "sim/whitespace"])
def test_comments_and_empty_deltas_do_not_count_as_a_first_token(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    with within(0.4):
        answer = post(gateway, question(journal, model, stream=True, gateway={"first_token_ms": 400}))
    assert (answer.status_code, error_in(answer)["code"]) == (504, "first_token_timeout")
    journal.wait_until(lambda entries: [each["outcome"] for each in entries] == ["cancelled"])


@pytest.mark.parametrize("model", ["sim/stall-after", "sim/stall-comments", "sim/stall-empty"])
def test_a_stream_without_progress_ends_in_an_error(gateway: Gateway, journal: Journal, model: str) -> None:
    with within(0.5):
        answer = post(gateway, question(journal, model, "sim/ok", stream=True, gateway={"idle_ms": 500}))
    text, error = cut_off_in(answer.content)
    assert text == "Canberra is the capital"
    assert error["code"] == "idle_timeout"
    journal.wait_until(lambda entries: [each["outcome"] for each in entries] == ["cancelled"])


def test_a_slow_stream_with_progress_exceeds_no_limit(gateway: Gateway, journal: Journal) -> None:
    limits = {"deadline_ms": 900, "attempt_ms": 800, "first_token_ms": 700, "idle_ms": 700}
    answer = post(gateway, question(journal, "sim/drip-80ms", stream=True, gateway=limits))
    payloads = payloads_in(answer.content)
    assert payloads[-1] == "[DONE]"
    assert len(said_in(payloads).split()) == 20


def test_a_slow_reader_does_not_count_as_an_idle_model(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/bytes-4000000", stream=True, gateway={"idle_ms": 400})
    with gateway.client() as client, client.stream("POST", CHAT, json=body) as answer:
        pieces = answer.iter_raw()
        raw = [next(pieces)]
        time.sleep(1.2)
        raw += pieces
    payloads = payloads_in(b"".join(raw))
    assert payloads[-1] == "[DONE]"
    assert len(said_in(payloads)) > 3_900_000


def test_blank_lines_before_a_plain_answer_are_ignored(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, question(journal, "sim/comments-500ms"))
    assert answer.json()["choices"][0]["message"]["content"] == OK_TEXT


def test_a_retry_beyond_the_deadline_is_not_started(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/retry-after-101", gateway={"deadline_ms": 1000, "retries": 5})
    with within(0.0):
        answer = post(gateway, body)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) in range(95, 102)
    assert len(journal.entries()) == 1


def test_a_waiting_client_gets_keep_alive_comments_and_then_the_answer(
    gateway: Gateway, journal: Journal
) -> None:
    body = question(
        journal, "sim/hang", "sim/ok", stream=True, gateway={"keepalive_ms": 150, "attempt_ms": 700}
    )
    answer = post(gateway, body)
    assert answer.content.startswith(KEEP_ALIVE)
    assert answer.content.count(KEEP_ALIVE) >= 2
    payloads = payloads_in(answer.content)
    assert (said_in(payloads), payloads[-1]) == (OK_TEXT, "[DONE]")


def test_the_openai_client_ignores_keep_alive_comments(gateway: Gateway, journal: Journal) -> None:
    options = {"user": journal.user, "gateway": {"keepalive_ms": 100}}
    with openai(gateway) as client:
        stream = client.chat.completions.create(
            model="sim/slow-500ms",
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            extra_body=options,
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == OK_TEXT


def test_a_chain_that_is_exhausted_after_comments_ends_in_an_error_event(
    gateway: Gateway, journal: Journal
) -> None:
    limits = {"keepalive_ms": 150, "attempt_ms": 500, "retries": 0}
    answer = post(gateway, question(journal, "sim/hang", "sim/status-404", stream=True, gateway=limits))
    assert answer.status_code == 200
    assert answer.content.startswith(KEEP_ALIVE)
    text, error = cut_off_in(answer.content)
    assert (text, error["code"]) == ("", "no_endpoints")
    assert len(error["metadata"]["gateway"]["attempts"]) == 2


def test_a_chain_that_is_exhausted_before_the_first_comment_has_an_error_status(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, question(journal, "sim/status-404", stream=True, gateway={"keepalive_ms": 30_000}))
    assert (answer.status_code, error_in(answer)["code"]) == (404, "no_endpoints")
