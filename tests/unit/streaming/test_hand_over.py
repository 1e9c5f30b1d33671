from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.chunks import COMMENT, COST_USD, DONE, STOP, USAGE, event, text, text_in
from tests.support.samples import sample
from tests.support.upstream import HANG, RESET, Step, healthy_stream, stream
from tests.support.world import Answer, World, now_s, run

pytestmark = pytest.mark.anyio
WORDS = "Zwölf Wörter, je eines in seinem Ereignis 🙂."
# Only its usage has to change. The usage comes last, so it is guarded only without a hand-over.
HEALTHY = b"".join([*(text(f"{word} ") for word in WORDS.split()), STOP, USAGE, DONE])
BEFORE_USAGE = HEALTHY[: HEALTHY.index(USAGE)]
guarded = pytest.mark.parametrize("guard_events", ["0", "1", "3"])


async def relay(guard_events: str, *steps: Step, **options: object) -> tuple[Answer, World]:
    world = World({"STREAM_GUARD_EVENTS": guard_events}).script("a/one", stream(*steps))
    return await world.ask("a/one", "b/two", stream=True, gateway=options), world


def split_at(body: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(body), *places})
    return [body[begin:end] for begin, end in pairwise(edges)]


cuts = st.lists(st.integers(1, len(HEALTHY) - 1), max_size=40)


@given(cuts, st.sampled_from(["0", "1", "2", "3", "7"]))
def test_no_byte_is_lost_or_duplicated_wherever_pieces_are_cut(places: list[int], guard_events: str) -> None:
    got, _ = run(relay(guard_events, *split_at(HEALTHY, places)))

    is_fully_guarded = got.body != HEALTHY
    assert got.body.startswith(BEFORE_USAGE)
    assert got.body.endswith(DONE)
    if is_fully_guarded:  # the guarded pieces held all events: the usage got the receipt
        assert got.receipt["cost_usd"] == COST_USD


@given(cuts)
def test_a_fully_guarded_stream_changes_only_by_its_receipt(places: list[int]) -> None:
    got, _ = run(relay("unlimited", *split_at(HEALTHY, places)))

    assert got.body.startswith(BEFORE_USAGE)
    assert got.body.endswith(DONE)
    assert got.receipt["cost_usd"] == COST_USD
    assert text_in(got.events).strip() == WORDS


@guarded
@pytest.mark.parametrize("name", ["sse-01", "sse-02", "sse-03"])
async def test_a_recorded_stream_in_single_bytes_arrives_complete(guard_events: str, name: str) -> None:
    body = sample(name).body
    got, _ = await relay(guard_events, *(body[place : place + 1] for place in range(len(body))))

    begin = body.index(b"data:")
    sent = [each for each in body[begin:].split(b"\n\n") if not each.startswith(b":")]
    assert [each for each in got.body.split(b"\n\n") if not each.startswith(b":")] == sent


@guarded
async def test_a_held_back_partial_event_is_sent_at_the_hand_over(guard_events: str) -> None:
    events = [text(f"{number} ") for number in range(6)]
    half = len(events[4]) // 2
    first = b"".join(events[:4]) + events[4][:half]

    got, _ = await relay(guard_events, first, 30.0, events[4][half:], events[5], STOP, DONE)

    assert b"".join(piece for at_s, piece in got.pieces if at_s < 1.0) == first
    assert text_in(got.events) == "0 1 2 3 4 5 "


async def test_a_partial_event_is_held_back_before_the_hand_over() -> None:
    got, _ = await relay("unlimited", text("a") + text("b")[:9], 30.0, text("b")[9:], STOP, DONE)

    assert b"".join(piece for at_s, piece in got.pieces if at_s < 1.0) == text("a")


async def test_each_piece_after_the_hand_over_is_written_as_it_arrives() -> None:
    got, _ = await relay("0", text("a"), 1.0, b"da", 1.0, text("b")[2:] + STOP, 1.0, DONE)

    assert [(at_s, piece) for at_s, piece in got.pieces if at_s] == [
        (1.0, b"da"),
        (2.0, text("b")[2:] + STOP),
        (3.0, DONE),
    ]


@guarded
async def test_a_lost_connection_after_the_hand_over_ends_the_body_and_is_recorded(guard_events: str) -> None:
    words = [text(f"{number} ") for number in range(5)]

    got, world = await relay(guard_events, *words, RESET)

    assert got.body == b"".join(words)
    (line,) = world.events("request_done")
    assert line["outcome"] == "connection_lost"
    (attempt,) = line["attempts"] if isinstance(line["attempts"], list) else []
    assert isinstance(attempt, dict)
    assert (attempt["outcome"], attempt["code"]) == ("cut_off", "connection_lost")
    assert world.transport.replies[0].aborted


@guarded
@pytest.mark.parametrize("how", ["restart", "continue"])
async def test_no_model_takes_over_after_the_hand_over(guard_events: str, how: str) -> None:
    words = [text(f"{number} ") for number in range(5)]

    got, world = await relay(guard_events, *words, RESET, on_midstream=how)

    assert (got.body, world.upstream.models) == (b"".join(words), ["a/one"])


async def test_a_lost_connection_before_the_hand_over_ends_with_an_error_event() -> None:
    got, world = await relay("3", text("a"), text("b"), RESET)

    assert got.events[-1]["error"]["code"] == "connection_lost"
    assert world.events("request_done")[0]["outcome"] == "connection_lost"


async def test_an_error_after_the_hand_over_passes_unchanged() -> None:
    error = event({"error": {"code": 502, "message": "x"}, "choices": []})

    got, _ = await relay("1", text("a"), text("b"), error)

    assert got.body == text("a") + text("b") + error


@guarded
async def test_no_timer_ends_an_idle_stream_after_the_hand_over(guard_events: str) -> None:
    got, _ = await relay(
        guard_events, text("a"), text("b"), text("c"), 90.0, text("d"), STOP, DONE, idle_ms=10_000
    )

    assert text_in(got.events) == "abcd"
    assert now_s() == pytest.approx(90.0)


async def test_the_idle_timer_runs_before_the_hand_over() -> None:
    got, _ = await relay("3", text("a"), COMMENT, HANG, idle_ms=10_000)

    assert got.events[-1]["error"]["code"] == "idle_timeout"


async def test_an_answer_that_ends_within_the_guarded_events_is_fully_guarded() -> None:
    got, world = await relay("100", text("a"), STOP, USAGE, DONE, HANG)

    assert got.receipt["cost_usd"] == COST_USD
    assert got.events[-1] == "[DONE]"
    assert world.events("request_done")[0]["outcome"] == "answered"


@guarded
async def test_fallback_before_the_commit_works_with_a_hand_over(guard_events: str) -> None:
    world = World({"STREAM_GUARD_EVENTS": guard_events}).script("a/one", stream(COMMENT, RESET))
    world.script("b/two", healthy_stream("Two."))

    got = await world.ask("a/one", "b/two", stream=True)

    assert text_in(got.events) == "Two."
    assert got.headers["x-gateway-trace"] == "a/one=connection_lost,b/two=ok"
