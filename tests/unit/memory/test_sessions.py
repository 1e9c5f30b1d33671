import pytest

from gateway.memory.sessions import CUT_OFF_S, IDLE_S, MAX_CUT_OFF, MAX_SESSIONS, Sessions
from tests.support.chunks import text
from tests.support.upstream import RESET, fail, healthy_stream, stream
from tests.support.world import TOKEN, World, chat, finish

STICKY = {"order": "sticky"}


def test_a_session_is_forgotten_once_it_has_been_idle() -> None:
    sessions = Sessions()
    sessions.note("one", "a/one", now_s=0.0)

    assert sessions.model_of("one", now_s=IDLE_S) == "a/one"
    assert sessions.model_of("one", now_s=IDLE_S + 1) is None
    assert sessions.model_of("two", now_s=0.0) is None


def test_the_session_that_has_been_idle_longest_is_evicted() -> None:
    sessions = Sessions()
    for number in range(MAX_SESSIONS):
        sessions.note(str(number), "a/one", now_s=0.0)
    sessions.note("0", "a/one", now_s=1.0)
    sessions.note("one more", "a/one", now_s=1.0)

    assert sessions.model_of("0", now_s=1.0) == "a/one"
    assert sessions.model_of("1", now_s=1.0) is None


def test_a_cut_is_forgotten_after_its_time_or_once_the_model_has_served_the_session() -> None:
    sessions = Sessions()
    for session in ("one", "two"):
        sessions.note_cut_off(session, "a/one", now_s=0.0)
    sessions.note("two", "a/one", now_s=1.0)

    assert sessions.cut_off_in("one", now_s=CUT_OFF_S) == {"a/one"}
    assert sessions.cut_off_in("one", now_s=CUT_OFF_S + 1) == set()
    assert sessions.cut_off_in("two", now_s=1.0) == set()


def test_cuts_are_bounded_and_the_oldest_are_forgotten() -> None:
    sessions = Sessions()
    for number in range(MAX_CUT_OFF + 1):
        sessions.note_cut_off("one", str(number), now_s=0.0)
    assert sessions.cut_off_in("one", now_s=0.0) == {str(number) for number in range(1, MAX_CUT_OFF + 1)}

    for number in range(MAX_SESSIONS):
        sessions.note_cut_off(str(number), "a/one", now_s=0.0)
    assert sessions.cut_off_in("one", now_s=0.0) == set()
    assert sessions.cut_off_in("0", now_s=0.0) == {"a/one"}


@pytest.mark.anyio
@pytest.mark.parametrize("session", ["s-1", None])
async def test_a_client_that_asks_again_after_a_cut_gets_another_model(session: str | None) -> None:
    world = World().script("a/one", *[stream(text("Half "), RESET)] * 2).script("b/two", healthy_stream())
    for _ in range(2):
        await world.ask("a/one", "b/two", stream=True, session_id=session)

    assert world.upstream.models == (["a/one", "b/two"] if session else ["a/one", "a/one"])


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("named", [{"session_id": "s-1"}, {"user": "u-1"}], ids=repr)
async def test_a_session_keeps_the_model_that_served_it(named: dict[str, str], stream: bool) -> None:
    world = World().script("a/one", fail(404), fail(404))

    for _ in range(3):
        got = await world.ask("a/one", "b/two", stream=stream, gateway=STICKY, **named)
        assert got.receipt["served"] == "b/two"

    assert world.upstream.models == ["a/one", "b/two", "b/two", "b/two"]


@pytest.mark.anyio
async def test_another_session_begins_with_the_first_model() -> None:
    world = World().script("a/one", fail(404))
    await world.ask("a/one", "b/two", gateway=STICKY, session_id="s-1")

    await world.ask("a/one", "b/two", gateway=STICKY, session_id="s-2")

    assert world.upstream.models == ["a/one", "b/two", "a/one", "b/two"]


@pytest.mark.anyio
async def test_a_session_may_be_named_in_the_header_and_the_name_in_the_body_takes_precedence() -> None:
    world = World().script("a/one", fail(404))
    headers = {"authorization": f"Bearer {TOKEN}", "x-session-id": "s-1"}
    for named in (None, None, "s-2"):
        body = chat("a/one", "b/two", gateway=STICKY, session_id=named)
        await finish(await world.begin(body, headers=headers))

    assert world.upstream.models == ["a/one", "b/two", "b/two", "a/one", "b/two"]


@pytest.mark.anyio
async def test_without_a_session_the_chain_has_the_given_order() -> None:
    world = World().script("a/one", fail(404))
    for _ in range(2):
        await world.ask("a/one", "b/two", gateway=STICKY)

    assert world.upstream.models == ["a/one", "b/two"] * 2
