"""The soak's arithmetic, its bounds, its mix, and its log filter."""

from collections import Counter
from dataclasses import replace

import pytest

from bench.connection import Reply
from bench.soak.checks import answered, ends_cut_off, plain, refused, streamed, taken_over
from bench.soak.kinds import CHAT
from bench.soak.log import faults_in
from bench.soak.mix import KINDS, requests
from bench.soak.models import ANSWER, BEGUN, FAILED, PARTS, SHORT
from bench.soak.samples import Sample, growth, slope
from bench.soak.verdict import FULL, Bound, bounds
from bench.soak.verdict import SHORT as SHORT_RUN

DECK = sum(kind.weight for kind in KINDS)
LEFT = "workerd/server/server.c++:3360: error: Uncaught exception: kj/async-io-unix.c++:186: disconnected: "


def sample(requests: int, **numbers: float) -> Sample:
    steady = Sample(
        requests=requests,
        per_s=250.0,
        rss_mb=230.0,
        heap_mb=11.0,
        objects=24_000,
        timers=0,
        proxies=3,
        references=35,
        tasks=0,
        open_calls=0,
    )
    return replace(steady, **numbers)  # type: ignore[arg-type]  # counts are integers, but floats work too


def run(**a_thousand: float) -> list[Sample]:
    """Return a run of ten parts in which these numbers grow by this much per 1000 requests."""
    steady = sample(0)
    return [
        sample(
            number * 1_000,
            **{name: getattr(steady, name) + more * number for name, more in a_thousand.items()},
        )
        for number in range(1, 11)
    ]


def exceeded(samples: list[Sample], *, wrong: int = 0, faults: int = 0) -> list[str]:
    found = bounds(samples, FULL, wrong=wrong, faults=faults)
    return [bound.name.partition(",")[0] for bound in found if not bound.is_met]


def reply(body: bytes, status: int = 200, attempts: int = 1) -> Reply:
    reply_headers = f"http/1.1 {status} x\r\nx-gateway-attempts: {attempts}\r\n\r\n"
    return Reply(reply_headers.encode(), body, 0.001, None)


def test_growth_is_from_the_first_sample_to_the_median_of_the_last_three() -> None:
    odd = [sample(number, rss_mb=mb) for number, mb in enumerate([100.0, 900.0, 104.0, 105.0, 500.0])]
    grown = [sample(number, rss_mb=mb) for number, mb in enumerate([100.0, 104.0, 500.0, 505.0])]

    assert growth(odd, "rss_mb") == 5.0
    assert growth(grown, "rss_mb") == 400.0


def test_a_slope_is_per_thousand_requests_of_the_second_half() -> None:
    warming = [
        sample(number * 500, heap_mb=mb) for number, mb in enumerate([1.0, 9.0, 20.0, 21.0, 22.0, 23.0])
    ]

    assert slope(warming, "heap_mb") == pytest.approx(2.0)
    assert slope(run(), "heap_mb") == 0.0


def test_one_sample_has_no_slope() -> None:
    with pytest.raises(ValueError, match="two samples"):
        slope([sample(1)], "rss_mb")


def test_a_run_without_growth_is_within_every_bound() -> None:
    assert exceeded(run()) == []
    assert len(list(bounds(run(), FULL, wrong=0, faults=0))) == 11


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ({"proxies": 1}, "proxies not destroyed"),
        ({"references": 1}, "references to JavaScript's objects"),
        ({"objects": 1_000}, "Python's objects"),
        ({"heap_mb": 1}, "Python's heap"),
        ({"timers": 3}, "callbacks that"),
        ({"tasks": 1}, "tasks alive after all requests"),
        ({"open_calls": 1}, "upstream calls not ended"),
    ],
)
def test_one_leak_per_thousand_requests_exceeds_a_bound(numbers: dict[str, float], name: str) -> None:
    [found] = exceeded(run(**numbers))

    assert found.startswith(name)


def test_a_growing_process_exceeds_both_bounds_of_its_memory() -> None:
    assert len(exceeded(run(rss_mb=20))) == 2


def test_a_short_run_has_no_bound_for_the_slope_of_memory() -> None:
    names = [bound.name for bound in bounds(run(), SHORT_RUN, wrong=0, faults=0)]

    assert not any(name.startswith("memory of the process, KB") for name in names)


def test_wrong_replies_and_faults_in_the_log_exceed_their_bounds_even_without_samples() -> None:
    assert len(exceeded([], wrong=1, faults=1)) == 2
    assert len(exceeded(run(), wrong=1, faults=1)) == 2


def test_a_number_equal_to_its_bound_is_within_it() -> None:
    assert Bound("a", 3, 3).line().startswith("kept")
    assert Bound("a", 3.1, 3).line().startswith("BROKEN")


@pytest.mark.parametrize(
    "line",
    [
        "UNHANDLED in waitUntil TypeError",
        '{"event":"internal_error","level":"error","error":"KeyError"}',
        "PythonError: Traceback (most recent call last):",
        "workerd/server/server.c++:3360: error: Uncaught exception: x: failed: remote.jsg.Error: hung",
        LEFT + "remote.jsg.Error: Network connection lost.",
        "# Fatal error in , line 0",
        "V8 fatal error: unreachable code",
        "UNHANDLED rejection: PythonError: TypeError: invalid exception object",
        "Task exception was never retrieved",
        "RuntimeWarning: coroutine 'work' was never awaited",
    ],
)
def test_a_fault_in_the_log_is_found(line: str) -> None:
    assert list(faults_in([line])) == [line]


@pytest.mark.parametrize(
    "line",
    [
        LEFT + "worker_do_not_log; Request failed due to internal error",
        LEFT + "::write(fd, buffer.begin(), buffer.size()): Broken pipe",
        LEFT + "::read(fd, buffer, maxBytes): Connection reset by peer",
        "UNHANDLED rejection: Error: Network connection lost.\n",
        "UNHANDLED rejection: PythonError: asyncio.exceptions.InvalidStateError: invalid state",
        '{"event":"request_done","outcome":"connection_lost","requested":["soak/hang"]}',
        "Loaded",
    ],
)
def test_lines_of_the_runtime_itself_are_no_faults(line: str) -> None:
    assert list(faults_in([line])) == []


def test_every_deck_has_every_kind_by_its_weight() -> None:
    order = [kind.name for _, kind in requests(2 * DECK)]

    assert len({kind.name for kind in KINDS}) == len(KINDS)
    for deck in (order[:DECK], order[DECK:]):
        assert Counter(deck) == {kind.name: kind.weight for kind in KINDS}
    assert order[:DECK] != order[DECK:]


def test_the_order_is_the_same_each_time() -> None:
    assert list(requests(300)) == list(requests(300))


def test_a_kind_leaves_or_its_reply_is_checked() -> None:
    assert all((kind.leave is None) != (kind.check is None) for kind in KINDS)
    assert sum(kind.weight for kind in KINDS if kind.leave) >= DECK / 10


def test_each_request_gets_a_new_name() -> None:
    new = [kind for kind in KINDS if kind.is_new]

    assert len(new) == 2
    for kind in new:
        assert kind.body(1) != kind.body(2)
        assert b"{}" not in kind.body(1)


def test_only_chat_requests_have_a_body() -> None:
    assert all(bool(kind.body(1)) == (kind.line == CHAT) for kind in KINDS)


def test_an_answer_must_be_complete_and_have_the_expected_attempts() -> None:
    check = answered(plain(), 2)

    assert check(reply(ANSWER, attempts=2)) == ""
    assert "attempts" in check(reply(ANSWER))
    assert check(reply(ANSWER[:-2], attempts=2))
    assert "503" in check(reply(ANSWER, status=503, attempts=2))
    assert answered(streamed())(reply(b"".join(SHORT))) == ""
    assert answered(streamed())(reply(b"".join(SHORT[1:])))


def test_a_refusal_must_be_the_expected_error() -> None:
    error = b'{"error":{"message":"No.","metadata":{"code":"missing_key","source":"client"}}}'

    assert refused(401, "missing_key")(reply(error, status=401)) == ""
    assert "not missing_key" not in refused(401, "missing_key")(reply(error, status=401))
    assert refused(401, "invalid_key")(reply(error, status=401))
    assert refused(400, "missing_key")(reply(error, status=401))
    assert refused(401, "missing_key")(reply(b"{}", status=401))


def test_a_cut_off_stream_must_have_its_text_and_then_the_error() -> None:
    told = (
        b'data: {"error":{"message":"Cut off.","metadata":{"code":"idle_timeout","source":"provider"}}}\n\n'
    )
    begun = b"".join(BEGUN)

    assert ends_cut_off("idle_timeout")(reply(begun + told)) == ""
    assert ends_cut_off("connection_lost")(reply(begun + told))
    assert ends_cut_off("idle_timeout")(reply(begun[1:] + told))
    assert ends_cut_off("idle_timeout")(reply(begun + told + b"data: [DONE]\n\n"))
    assert ends_cut_off("idle_timeout")(reply(begun))


def test_a_stream_that_was_taken_over_must_end_with_the_second_models_text() -> None:
    assert taken_over(reply(b"".join([*BEGUN, *SHORT]))) == ""
    assert taken_over(reply(b"".join([*BEGUN, *SHORT[2:]])))
    assert taken_over(reply(b"".join([*BEGUN, FAILED])))


def test_a_cut_part_declares_more_bytes_than_it_sends() -> None:
    cut = [part for part in PARTS.values() if part.declared_bytes is not None and part.ending != "whole"]

    assert len(cut) == 2
    for part in cut:
        assert part.declared_bytes is not None
        assert sum(map(len, part.pieces)) < part.declared_bytes
