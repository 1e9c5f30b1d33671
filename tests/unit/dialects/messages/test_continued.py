"""Tests what a client gets when another model goes on with the text of a Messages stream."""

from collections.abc import Callable

import pytest

from gateway.dialects.messages.continued import Repeated
from tests.support.messages import (
    ERROR,
    STOP,
    Played,
    add,
    begin,
    end,
    finish,
    play,
    put,
    sign,
    start,
    think,
    tool,
)
from tests.support.messages_reader import Read, read
from tests.support.work import check_growth

CUT = (start(), begin(), add("Once upon "))
ENDS = (finish(), end(), STOP)


def go_on(first: tuple[bytes, ...], *events: bytes) -> tuple[Played, Read]:
    """Return the second stream, and what the client has of both."""
    before = play(first, collect=True)
    text = before.stream.text
    assert text is not None
    got = play(events, after=before, text=text)
    return got, read(before.all + got.all)


# Each: what the second model says after "Once upon ", and what the client has in all.
SAID: dict[str, tuple[tuple[str, ...], str]] = {
    "it goes on": (("a time.",), "Once upon a time."),
    "it goes on in pieces": (("a", " time", "."), "Once upon a time."),
    "it repeats the white space": ((" a time.",), "Once upon a time."),
    "it repeats the white space in a piece": ((" ", "a time."), "Once upon a time."),
    "it adds white space of its own": (("\n", "a time."), "Once upon \na time."),
    "it repeats everything": (("Once upon a time.",), "Once upon a time."),
    "it repeats everything in pieces": (("On", "ce up", "on", " ", "a time."), "Once upon a time."),
    "it repeats the beginning only": (("Once upon",), "Once upon "),
    "it begins alike": (("Once", " again."), "Once upon Once again."),
    "it says nothing but white space": ((" ",), "Once upon "),
}


@pytest.mark.parametrize("name", SAID)
def test_the_client_has_one_text_without_what_is_repeated(name: str) -> None:
    pieces, text = SAID[name]
    got, client = go_on(CUT, start(id="msg_2"), begin(), *map(add, pieces), *ENDS)

    assert got.fault is None
    assert [block["text"] for block in client.blocks] == [text]
    assert client.names.count("message_start") == 1
    assert got.stream.text == text.removeprefix("Once upon ")


def test_a_block_that_has_stopped_is_followed_by_a_new_one() -> None:
    _, client = go_on((*CUT, finish()), start(), begin(), add("a time."), *ENDS)

    assert [block["text"] for block in client.blocks] == ["Once upon ", "a time."]


def test_thinking_before_the_text_is_dropped_because_the_text_is_open() -> None:
    events = (begin(0, "thinking"), think("Hm"), sign("s"), finish(), begin(1), add("a time.", 1), finish(1))
    got, client = go_on(CUT, start(), *events, end(), STOP)

    assert [block["type"] for block in client.blocks] == ["text"]
    assert client.text == "Once upon a time."
    assert got.progress[2:4] == [True, True]


def test_thinking_passes_where_no_text_is_open() -> None:
    events = (begin(0, "thinking"), think("Hm"), finish(), begin(1), add("a time.", 1), finish(1))
    _, client = go_on((*CUT, finish()), start(), *events, end(), STOP)

    assert [block["type"] for block in client.blocks] == ["text", "thinking", "text"]


def test_the_blocks_after_the_text_get_the_indexes_that_follow() -> None:
    first = (start(), begin(0, "thinking"), think("Hm"), finish(), begin(1), add("Once ", 1))
    events = (begin(), add("upon"), finish(), tool(1), put("{}", 1), finish(1))
    _, client = go_on(first, start(), *events, end("tool_use"), STOP)

    assert [block["type"] for block in client.blocks] == ["thinking", "text", "tool_use"]
    assert client.blocks[1]["text"] == "Once upon"
    assert client.blocks[2]["partial_json"] == "{}"


def test_a_call_without_a_text_stops_the_open_text_first() -> None:
    got, client = go_on(CUT, start(), tool(), put("{}"), finish(), end("tool_use"), STOP)

    assert [block["type"] for block in client.blocks] == ["text", "tool_use"]
    assert client.names.index("content_block_stop") < client.names.index("content_block_start", 3)
    assert got.stream.text is None


def test_text_that_is_held_is_sent_before_the_end_of_its_block() -> None:
    _, client = go_on(CUT, start(), begin(), add("On"), *ENDS)

    assert client.text == "Once upon On"


def test_text_that_is_held_is_sent_before_another_block() -> None:
    _, client = go_on(CUT, start(), begin(), add("On"), begin(1), add("!", 1), finish(1), *ENDS)

    assert [block["text"] for block in client.blocks] == ["Once upon On", "!"]


@pytest.mark.parametrize("last", [ERROR, begin(), add("x", 5)], ids=["an error", "a block twice", "no block"])
def test_a_third_model_goes_on_where_the_second_is_cut_off(last: bytes) -> None:
    first = play(CUT, collect=True)
    second = play((start(), begin(), add("a time"), last), after=first, text="Once upon ")
    assert second.fault is not None
    assert second.stream.text == "a time"
    third = play((start(), begin(), add(" there."), *ENDS), after=second, text="Once upon a time")

    assert read(first.all + second.all + third.all).text == "Once upon a time there."


def test_text_that_is_held_is_sent_although_the_next_event_has_no_place() -> None:
    first = play(CUT, collect=True)
    second = play((start(), begin(), add("On"), begin()), after=first, text="Once upon ")

    assert second.fault is not None
    assert second.stream.text == "On"
    assert read(first.all + second.all).text == "Once upon On"


def test_the_usage_is_that_of_the_model_that_goes_on() -> None:
    second = start(usage={"input_tokens": 40, "output_tokens": 1})
    got, client = go_on(CUT, second, begin(), add("a time."), finish(), end(usage={"output_tokens": 3}), STOP)

    assert got.usages[-1] == {"input_tokens": 40, "output_tokens": 3}
    assert client.end is not None
    assert client.end["usage"] == {"output_tokens": 3}


def test_a_long_text_is_compared_whole() -> None:
    long = "A" * 600_000
    first = (start(), begin(), add(long))
    before = play(first)
    got = play((start(), begin(), add(long + "B"), *ENDS), after=before, text=long)

    assert read(before.all + got.all).text == long + "B"


def test_everything_is_read_and_nothing_handed_over() -> None:
    got, _ = go_on(CUT, start(), begin(), add("a time."), *ENDS)

    assert got.stream.holds_all
    assert not got.stream.may_hand_over


@pytest.mark.parametrize("so_far", ["A" * 8, " " * 8], ids=["text", "white space"])
def test_looking_for_what_is_repeated_takes_linear_time(so_far: str) -> None:
    def work_of(size: int) -> Callable[[], object]:
        def work() -> None:
            repeated = Repeated(f"x{so_far * size}")
            for character in so_far * size:
                repeated.take(character)
            repeated.end()

        return work

    check_growth(work_of, 2_000)
