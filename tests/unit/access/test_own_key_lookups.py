"""Whether OpenRouter accepts a caller's own key: it is asked once in a while, and never flooded."""

import asyncio

import pytest

from gateway.memory.own_keys import LOOKUPS_PER_MINUTE, MAX_KEYS, Verdict
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import RESET, Act, accept_key, after, breaks, fail, hang, refuse, reply
from tests.support.world import Answer, World, chat, finish, now_s

pytestmark = pytest.mark.anyio
OWN, MADE_UP = "sk-or-v1-a-good-key", "sk-or-made-up"
PATHS = (
    "/v1/models",
    "/v1/models/a/one",
    "/v1/models/a/one/endpoints",
    "/v1/usage",
    "/v1/key",
    "/health?deep=1",
)


def world(*acts: Act) -> World:
    """Return a gateway before an OpenRouter that says this of a key."""
    made = World({"ALLOW_CLIENT_KEYS": "true"}, database=SqliteDatabase())
    made.upstream.pages["/key"] = acts
    return made


async def ask(made: World, token: str = OWN) -> Answer:
    return await finish(await made.begin(chat("a/one"), headers={"authorization": f"Bearer {token}"}))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_made_up_key_is_refused_on_every_route_and_leaves_no_trace(status: int) -> None:
    made = world(fail(status, "User not found."))
    headers = {"x-api-key": MADE_UP}

    got = [await made.get(path, headers=headers) for path in PATHS]
    got += [await made.get(path, method="HEAD", headers=headers) for path in PATHS]
    for path in ("/v1/chat/completions", "/v1/plan"):
        got.append(await finish(await made.begin(chat("a/one"), path=path, headers=headers)))
    await made.let_run()

    assert {(each.status, each.error["code"]) for each in got} == {(401, "invalid_key")}
    assert (made.upstream.got, made.upstream.got_with) == (["/key"], [MADE_UP])
    assert made.upstream.received == []
    assert made.database.rows("SELECT * FROM requests") == []
    assert MADE_UP not in made.log_text


@pytest.mark.parametrize(
    ("act", "seconds", "status"),
    [(accept_key, 600, 200), (fail(401), 60, 401), (fail(500), 2, 503)],
    ids=["accepted", "refused", "unanswered"],
)
async def test_what_openrouter_said_counts_for_a_while(act: Act, seconds: float, status: int) -> None:
    made = world(act)
    assert (await ask(made)).status == status

    await asyncio.sleep(seconds - 0.1)
    assert (await ask(made)).status == status
    assert made.upstream.got == ["/key"]

    await asyncio.sleep(0.1)
    assert (await ask(made)).status == status
    assert made.upstream.got == ["/key"] * 2


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(refuse, id="refused"),
        pytest.param(breaks(RESET), id="reset"),
        pytest.param(hang, id="hangs"),
        pytest.param(reply(200, b'{"data": ', 1e9), id="hangs in its body"),
        pytest.param(reply(200, b'{"data": ', RESET), id="broken off"),
        pytest.param(fail(500), id="500"),
        pytest.param(fail(429, retry_after="7"), id="429"),
        pytest.param(fail(404), id="404"),
        pytest.param(reply(302, location="https://elsewhere.example/"), id="redirect"),
        pytest.param(reply(200, b"<html>"), id="html"),
        pytest.param(reply(200), id="empty"),
        pytest.param(reply(200, b'{"data": null}'), id="no data"),
        pytest.param(reply(200, b"[" * 100_000), id="deep"),
        pytest.param(reply(200, b'{"data": {"x": "', b"x" * 70_000, b'"}}'), id="large"),
    ],
)
async def test_while_openrouter_does_not_say_the_caller_is_told_to_come_again(act: Act) -> None:
    made = world(act, accept_key)

    got = await ask(made)

    assert (got.status, got.error["code"]) == (503, "key_not_checked")
    assert got.error["metadata"]["retryable"] is True
    assert got.headers["retry-after"] == "2"
    assert now_s() <= 5
    assert all(each.ended or each.aborted for each in made.transport.replies)
    assert [line["event"] for line in made.log] == ["own_key_not_checked"]

    await asyncio.sleep(2)
    assert (await ask(made)).status == 200


async def test_a_reply_without_end_is_not_read_on() -> None:
    pieces = [b"x" * 10_000] * 1_000
    made = world(reply(200, *pieces))

    assert (await ask(made)).status == 503
    (looked_up,) = made.transport.replies
    assert (looked_up.ended, looked_up.aborted) == (False, True)


async def test_requests_with_one_key_share_one_lookup() -> None:
    made = world(after(1.0, accept_key))

    got = await asyncio.gather(*(ask(made) for _ in range(20)))

    assert {each.status for each in got} == {200}
    assert made.upstream.got == ["/key"]


async def test_requests_with_one_key_share_a_failure_too() -> None:
    made = world(hang)

    got = await asyncio.gather(*(ask(made) for _ in range(20)))

    assert {each.status for each in got} == {503}
    assert made.upstream.got == ["/key"]
    assert now_s() <= 6


async def test_another_request_takes_over_if_the_one_that_looks_up_is_cancelled() -> None:
    made = world(hang, accept_key)
    first = asyncio.ensure_future(ask(made))
    await asyncio.sleep(0.1)
    second = asyncio.ensure_future(ask(made))
    await asyncio.sleep(0.1)

    first.cancel()

    assert (await second).status == 200
    assert now_s() < 1


async def test_made_up_keys_cannot_flood_openrouter() -> None:
    made = world(fail(401))

    got = await asyncio.gather(*(ask(made, f"{MADE_UP}-{number}") for number in range(200)))

    assert len(made.upstream.got) == LOOKUPS_PER_MINUTE
    limited = [each for each in got if each.status == 429]
    assert len(limited) == 200 - LOOKUPS_PER_MINUTE
    assert {each.error["code"] for each in limited} == {"too_many_requests"}
    assert all(0 < int(each.headers["retry-after"]) <= 60 for each in limited)

    await asyncio.sleep(61)
    await ask(made, f"{MADE_UP}-again")
    assert len(made.upstream.got) == LOOKUPS_PER_MINUTE + 1


async def test_made_up_keys_cannot_shut_out_a_key_that_was_accepted() -> None:
    made = world(accept_key, fail(401))
    assert (await ask(made)).status == 200
    await asyncio.sleep(599)
    for number in range(LOOKUPS_PER_MINUTE):
        await ask(made, f"{MADE_UP}-{number}")
    made.upstream.pages["/key"] = (accept_key,)

    await asyncio.sleep(2)
    assert (await ask(made)).status == 200
    assert (await ask(made, f"{MADE_UP}-late")).status == 429


async def test_made_up_keys_do_not_fill_the_memory_or_evict_a_key_that_was_accepted() -> None:
    made = world()
    keys = made.memory.own_keys
    keys.note(OWN, Verdict.ACCEPTED, now_s=0.0)
    for number in range(3 * MAX_KEYS):
        keys.note(f"{MADE_UP}-{number}", Verdict.REFUSED, now_s=1.0)
        keys.note(f"{MADE_UP}-{number}", Verdict.UNANSWERED, now_s=1.0)

    assert keys.verdict(OWN, now_s=2.0) is Verdict.ACCEPTED
    assert keys.verdict(f"{MADE_UP}-0", now_s=2.0) is None
    assert keys.verdict(f"{MADE_UP}-{3 * MAX_KEYS - 1}", now_s=2.0) is Verdict.REFUSED
    remembered = [len(each) for each in keys._until_s.values()]
    assert max(remembered) == MAX_KEYS


async def test_a_key_is_remembered_as_a_digest_only() -> None:
    made = world(accept_key)
    await ask(made)

    assert OWN not in repr(vars(made.memory.own_keys))


async def test_what_openrouter_says_last_counts() -> None:
    keys = World().memory.own_keys
    keys.note(OWN, Verdict.ACCEPTED, now_s=0.0)
    keys.note(OWN, Verdict.REFUSED, now_s=1.0)
    assert keys.verdict(OWN, now_s=2.0) is Verdict.REFUSED
    assert keys.verdict(OWN, now_s=100.0) is None

    keys.note(OWN, Verdict.ACCEPTED, now_s=3.0)
    assert keys.verdict(OWN, now_s=4.0) is Verdict.ACCEPTED


async def test_a_refused_openrouter_key_beside_an_accepted_one_is_ignored() -> None:
    made = world(fail(401, "User not found."), accept_key)
    headers = {"authorization": f"Bearer {MADE_UP}", "x-api-key": OWN}

    got = [await finish(await made.begin(chat("a/one"), headers=headers)) for _ in range(2)]

    assert [each.status for each in got] == [200, 200]
    assert made.upstream.got_with == [MADE_UP, OWN]
    assert {call.headers["authorization"] for call in made.upstream.received} == {f"Bearer {OWN}"}
    assert MADE_UP not in made.log_text
    assert OWN not in made.log_text


async def test_two_refused_openrouter_keys_are_refused() -> None:
    made = world(fail(401, "User not found."))

    got = await made.get("/v1/models", headers={"authorization": f"Bearer {MADE_UP}", "x-api-key": OWN})

    assert (got.status, got.error["code"]) == (401, "invalid_key")


@pytest.mark.parametrize("wrong", ["sk-or-\u00e9", "sk-or-" + "x" * 600, "sk-ant-x", "sk-or-a b"])
async def test_an_accepted_openrouter_key_beside_a_text_that_no_header_can_carry_counts(wrong: str) -> None:
    for first, second in ((OWN, wrong), (wrong, OWN)):
        made = world(accept_key)

        got = await made.get(
            "/v1/models/x", headers={"authorization": f"Bearer {first}", "x-api-key": second}
        )

        assert got.error["code"] != "invalid_key"
        assert made.upstream.got_with[:1] == [OWN]
