"""No event of a stream that is not JSON reaches the client, wherever in the stream it comes.

Each test plays every file of JSONTestSuite. It collects what is wrong, so that one run names every file.
"""

from collections.abc import Callable

import pytest

from tests.support.chunks import DONE, STOP, USAGE, chunk, text
from tests.support.fidelity import Reading, is_json, read_stream, rule, strict_json
from tests.support.json_suite import check_all, is_deep
from tests.support.upstream import stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
MARK = "canary of the event"
FRAME = (
    b'{"id":"gen-1","object":"chat.completion.chunk","created":1795338000,"model":"served/one","choices":'
    b'[{"index":0,"delta":{"role":"assistant","content":"%b"},"finish_reason":null}],"extra":%b}'
)
EARLY = (
    b'{"extra":%b,"id":"gen-1","object":"chat.completion.chunk","created":1795338000,"model":"served/one",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":"%b"},"finish_reason":null}]}'
)
LINE_ENDS = bytes.maketrans(b"\r", b"\n")


def event_of(data: bytes) -> bytes:
    """Return data as one event, with a ``data`` line for each of its lines."""
    lines = data.translate(LINE_ENDS).split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def framed(raw: bytes) -> bytes:
    return FRAME % (MARK.encode(), raw)


def early(raw: bytes) -> bytes:
    return EARLY % (raw, MARK.encode())


def within_the_text(raw: bytes) -> bytes:
    return FRAME % (MARK.encode() + raw.translate(None, b'"\\\n'), b"null")


def glued(raw: bytes) -> bytes:
    return framed(b"null") + raw


LEARNED = event_of(FRAME % (b"a", b"null")) + event_of(FRAME % (b"b", b"null"))
LEARNED_EARLY = event_of(EARLY % (b"null", b"a")) + event_of(EARLY % (b"null", b"b"))
# Where the event comes: what comes before it, the text of that, and how the file becomes an event's data.
PLACES: dict[str, tuple[bytes, str, Callable[[bytes], bytes]]] = {
    "after another chunk": (chunk({"reasoning": "Hm"}), "", framed),
    "after its frame was learned": (LEARNED, "ab", framed),
    "after its frame was learned, before the text": (LEARNED_EARLY, "ab", early),
    "in the text, after its frame was learned": (LEARNED, "ab", within_the_text),
    "glued to a chunk": (text("Half "), "Half ", glued),
    "glued to a chunk, after its frame was learned": (LEARNED, "ab", glued),
}


async def streamed(*steps: bytes) -> Answer:
    world = World().script("a/one", stream(*steps))
    return await world.ask("a/one", stream=True, gateway={"retries": 0})


def check_passed(found: Reading, before: str) -> None:
    rule(found.done, f"the answer ended in {found.error and found.error['code']}")
    rule(found.text.startswith(before + MARK), f"the text is {found.text[:80]!r}")


def check_refused(found: Reading, before: str) -> None:
    rule(found.error, "the answer did not end in an error")
    assert found.error is not None
    rule(found.error["code"] == "malformed_event", f"the error is {found.error['code']}")
    rule(found.text == before, f"the text is {found.text[:80]!r}")


@pytest.mark.parametrize("place", PLACES)
async def test_a_chunk_passes_exactly_if_it_is_json(place: str) -> None:
    before, before_text, data_of = PLACES[place]

    async def check(raw: bytes) -> None:
        data = data_of(raw)
        got = await streamed(before, event_of(data), STOP, USAGE, DONE)
        found = read_stream(got.body)
        if found.done or (is_json(data) and not is_deep(raw)):
            check_passed(found, before_text)
            rule(is_json(data), "the event is not JSON")
        else:
            check_refused(found, before_text)
            rule(MARK.encode() not in got.body, "a part of the event has passed")

    await check_all(check)


async def test_a_field_of_a_chunk_arrives_unchanged() -> None:
    async def check(raw: bytes) -> None:
        if not is_json(raw) or is_deep(raw):
            return
        found = read_stream((await streamed(LEARNED, event_of(framed(raw)), STOP, USAGE, DONE)).body)
        extras = [repr(each["extra"]) for each in found.chunks if each.get("extra") is not None]
        expected = strict_json(raw)
        rule(extras == ([] if expected is None else [repr(expected)]), f"the fields are {extras}")

    await check_all(check)


async def test_a_first_chunk_that_is_not_json_fails_the_attempt() -> None:
    async def check(raw: bytes) -> None:
        got = await streamed(event_of(framed(raw)), STOP, USAGE, DONE)
        if is_json(framed(raw)) and not (is_deep(raw) and got.status != 200):
            rule(got.status == 200, f"the status is {got.status}")
            check_passed(read_stream(got.body), "")
        else:
            rule(got.status == 502, f"the status is {got.status}")
            rule(got.error["code"] == "malformed_event", f"the error is {got.error['code']}")
            rule(MARK.encode() not in got.body, "a part of the event has passed")

    await check_all(check)


async def test_a_malformed_chunk_after_the_finish_takes_nothing_from_the_answer() -> None:
    async def check(raw: bytes) -> None:
        got = await streamed(text("Complete."), STOP, event_of(framed(raw)), DONE)
        found = read_stream(got.body)
        goes_on = is_json(framed(raw))  # the chunk holds a text: its choice has not finished after all
        rule(found.done or goes_on, f"the answer ended in {found.error and found.error['code']}")
        rule(found.text.startswith("Complete."), f"the text is {found.text[:80]!r}")
        rule(goes_on or MARK.encode() not in got.body, "a part of the event has passed")

    await check_all(check)


# Data that begins so was meant to be an object, an array or a string.
STRUCTURES = (b"{", b"[", b'"')


def fates_of(data: bytes) -> set[str]:
    """Return how a stream may end that holds this data as an event of its own."""
    if is_json(data):
        value = strict_json(data)
        is_list = isinstance(value, list) and value != []
        return {"complete", "malformed_event"} if is_list else {"complete"}
    if data.strip().startswith(STRUCTURES):
        return {"malformed_event"}
    return {"complete", "malformed_event"}


@pytest.mark.parametrize("before", [text("Half "), LEARNED], ids=["one chunk", "a learned frame"])
async def test_an_event_that_is_no_chunk_is_dropped_or_ends_the_stream(before: bytes) -> None:
    async def check(raw: bytes) -> None:
        got = await streamed(before, event_of(raw), STOP, USAGE, DONE)
        found = read_stream(got.body)
        fate = "complete" if found.error is None else found.error["code"]
        rule(fate in fates_of(raw), f"the stream ended as {fate}")
        rule(found.text == ("Half " if b"Half" in before else "ab"), f"the text is {found.text!r}")
        others = [each for each in found.chunks if each.get("id") != "gen-1" or not each.get("choices")]
        is_object = is_json(raw) and isinstance(strict_json(raw), dict)
        rule(is_object or not others, f"the client got {others}")

    await check_all(check)


async def test_a_scalar_before_the_first_chunk_is_dropped() -> None:
    async def check(raw: bytes) -> None:
        if fates_of(raw) != {"complete"} or (is_json(raw) and isinstance(strict_json(raw), dict)):
            return
        got = await streamed(event_of(raw), text("Complete."), STOP, USAGE, DONE)
        rule(got.status == 200, f"the status is {got.status}")
        rule(read_stream(got.body).text == "Complete.", "the text is another one")

    await check_all(check)
