import pytest

from gateway.memory.sessions import IDLE_S, MAX_SESSIONS, Sessions
from tests.support.upstream import fail
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
