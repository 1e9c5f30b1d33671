"""Whatever events an upstream sends, in whatever order: a client of Responses can read all that it gets."""

import os
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from gateway.dialects.answer_stream import AnswerStream, Opened, StreamContext
from gateway.dialects.event_data import MalformedEventError
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.read_event import read as read_event
from gateway.dialects.responses.dialect import RESPONSES
from gateway.faults.fault import AttemptFailedError
from tests.support.messages import UPSTREAM
from tests.support.responses import added, call, created, delta, done, ended, event, message, read

CASES = int(os.environ.get("FUZZ_CASES", "400"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
ERROR: Any = {
    "error": {"message": "x", "type": "api_error", "code": "x", "metadata": {"code": "idle_timeout"}}
}
NAMES: Any = {"id": "gen-x", "created": 1, "model": "a/one"}

index = st.sampled_from([0, 0, 0, 1, 1, 2, -1, True, None, "0", 10**9])
text: st.SearchStrategy[Any] = st.sampled_from(["a", "Hello", " ", "", "é😀", "\ud800", None, 3, {}, []])
items = st.sampled_from(
    [message("a"), message(""), call(), {"type": "reasoning"}, {"type": "new_kind"}, {"type": 4}, {}, 3, "x"]
)
value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
TYPES = (
    "response.created",
    "response.completed",
    "response.output_item.added",
    "response.x",
    "x",
    "error",
    "",
)
MEMBERS = ("response", "item", "output_index", "delta", "sequence_number", "error", "gateway")


def odd(kind: str, fields: dict[str, Any]) -> bytes:
    """Return an event with any members."""
    return event(kind, **fields)


events = st.one_of(
    st.builds(created),
    st.builds(added, index, items),
    st.builds(added),
    st.builds(delta, text, index),
    st.builds(delta),
    st.builds(done, index, items),
    st.builds(done),
    st.builds(ended, st.sampled_from(["completed", "incomplete", "failed", "new"]), items),
    st.builds(
        lambda kind, fields: event(kind, **fields),
        st.sampled_from(TYPES),
        st.dictionaries(st.sampled_from(MEMBERS), value),
    ),
)


def play(sent: list[bytes]) -> bytes:
    """Return what a client gets of a stream, as the engine drives the dialect."""
    opening = RESPONSES.opening(header=lambda _: None, now_s=0.0, watched=False)
    found = [each for raw in sent if isinstance(each := read_event(raw, UPSTREAM), ReadEvent)]
    held: list[ReadEvent] = []
    for place, each in enumerate(found):
        opened = opening.take(each.read.payload)
        held += [] if opened is Opened.DROPPED else [each]
        if opened in (Opened.COMMITTED, Opened.WITHHELD):
            context = StreamContext(
                request=RESPONSES.parse(b'{"input": "x"}', max_values=100),
                first=opening.first,
                names=dict(NAMES),
                header=lambda _: None,
                now_s=lambda: 5.0,
                settle=lambda _: False,
                collect_text=False,
            )
            return after_commit(RESPONSES.stream(context), [*held, *found[place + 1 :]])
    return b""


def after_commit(stream: AnswerStream, committed: list[ReadEvent]) -> bytes:
    """Return what a client gets of a committed stream."""
    parts: list[bytes] = []
    for each in committed:
        try:
            taken = stream.take(each)
        except AttemptFailedError:
            return b"".join([*parts, stream.error_event(ERROR)])
        parts.append(taken.sent)
        if taken.ends:
            break
    last = stream.end(dict, b"") if stream.is_complete else stream.error_event(ERROR)
    return b"".join([*parts, last])


@seed(SEED)
@settings(max_examples=CASES, deadline=None, database=None)
@given(st.lists(events, max_size=12))
def test_a_client_can_read_whatever_it_gets(sent: list[bytes]) -> None:
    try:
        got = play(sent)
    except (AttemptFailedError, MalformedEventError):  # the attempt failed: nothing was sent
        return

    payloads = read(got)

    assert not payloads or payloads[-1]["type"] in (
        "response.completed",
        "response.incomplete",
        "response.failed",
    )
