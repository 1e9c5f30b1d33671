"""The bench checks every reply: its body must be exactly what the upstream sent."""

import json

import pytest

from bench.bodies import TEXTS, answers, events
from bench.connection import Reply, unchunked
from bench.scenarios import FALLBACK, FLAT, SCENARIOS, SMALL, plain_problem, stream_problem

WORDS = 7


def reply(body: bytes, head: str = "http/1.1 200 ok\r\n") -> Reply:
    return Reply(head.encode() + b"\r\n", body, 0.001, None)


def test_the_upstreams_answers_pass() -> None:
    for model, make in answers().items():
        assert plain_problem(model, WORDS)(reply(make(WORDS))) == ""
    assert stream_problem(reply(b"".join(events()))) == ""


def test_answers_have_the_sizes_that_the_scenarios_name() -> None:
    sizes = {model: len(make(0)) for model, make in answers().items()}

    assert 900 < sizes["bench/1k"] < 1_200
    assert 95_000 < sizes["bench/100k"] < 105_000
    assert 250 < len(events()[0]) < 350
    assert [len(each.body) // 10_000 for each in SCENARIOS if "prompt" in each.name] == [2, 20, 10, 200]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"choices":[]}', answers()["bench/1k"](WORDS)[:-1], b"null"]
)
def test_a_body_that_is_not_an_answer_is_a_problem(body: bytes) -> None:
    assert plain_problem("bench/1k", WORDS)(reply(body)) == "the body is not an answer"


def test_another_text_and_a_truncated_prompt_are_problems() -> None:
    changed = json.loads(answers()["bench/1k"](WORDS))
    changed["choices"][0]["message"]["content"] = TEXTS["bench/1k"][:-1]

    assert "text is wrong" in plain_problem("bench/1k", WORDS)(reply(json.dumps(changed).encode()))
    assert "6 words of 7" in plain_problem("bench/1k", WORDS)(reply(answers()["bench/1k"](WORDS - 1)))


@pytest.mark.parametrize("missing", [0, 100, -3, -1])
def test_a_stream_without_one_of_its_events_is_a_problem(missing: int) -> None:
    stream = events()
    del stream[missing]

    assert stream_problem(reply(b"".join(stream)))


def test_a_stream_that_ends_within_an_event_is_a_problem() -> None:
    assert stream_problem(reply(b"".join(events())[:-30]))


def test_a_status_other_than_200_is_a_problem_whatever_the_body() -> None:
    good = answers()["bench/1k"](0)

    assert "status 503" in SMALL.check(reply(good, "http/1.1 503 no\r\n"), "python")
    assert SMALL.check(reply(good), "python") == ""


def test_the_gateway_must_have_made_the_scenarios_attempts() -> None:
    good = answers()["bench/1k"](0)
    once, twice = (
        reply(good, f"http/1.1 200 ok\r\nx-gateway-attempts: {count}\r\nvary: origin\r\n") for count in (1, 2)
    )

    assert SMALL.check(once, "gateway") == FALLBACK.check(twice, "gateway") == ""
    assert "attempts" in FALLBACK.check(once, "gateway")
    assert "attempts" in FLAT.check(reply(b"".join(events())), "gateway native")


def test_chunks_are_joined() -> None:
    assert unchunked(b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n") == b"abc0123456789"
    with pytest.raises(ValueError, match="not found"):
        unchunked(b"3\r\nabc\r\n")
