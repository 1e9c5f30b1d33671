"""Answers of bytes: which are complete, what the client gets, and when the next model is asked."""

import json

import pytest

from gateway.dialects.speech.dialect import SPEECH
from gateway.http.errors import GatewayError
from gateway.http.message import ClientGoneError
from tests.support.ledger_world import ledger_world
from tests.support.upstream import RESET, Act, Step, after, fail, hang, reply
from tests.support.world import TOKEN, Answer, World, finish, one_key

PATH = "/v1/audio/speech"
AUDIO = (b"\xff\xfb\x90\x64", b"\0" * 1_000, b"end")


def speaks(*steps: Step, content_type: str = "audio/mpeg", **headers: str) -> Act:
    return reply(200, *steps, content_type=content_type, **headers)


async def say(world: World, *models: str, **fields: object) -> Answer:
    body = {"models": models, "input": "Hello.", "voice": "alloy", **fields}
    return await finish(await world.begin(body, path=PATH, headers={"authorization": f"Bearer {TOKEN}"}))


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input": None}, "missing_field", "input"),
        ({"input": ["a"]}, "invalid_field", "input"),
        ({"voice": 1}, "invalid_field", "voice"),
        ({"speed": "1"}, "invalid_field", "speed"),
        ({"stream": True}, "invalid_field", "stream"),
        ({"stream_format": "sse"}, "invalid_field", "stream_format"),
        ({"headers": {}}, "refused_field", "headers"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], code: str, param: str) -> None:
    body = {"model": "a/one", "input": "Hello.", **fields}
    with pytest.raises(GatewayError) as caught:
        SPEECH.parse(json.dumps(body).encode(), max_values=1_000)

    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content_type", ["audio/mpeg", "Audio/PCM; rate=24000", "audio/x-wav", "application/octet-stream"]
)
async def test_audio_keeps_its_bytes_and_its_type(content_type: str) -> None:
    world = World().script("a/one", speaks(*AUDIO, content_type=content_type))
    answer = await say(world, "a/one")

    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert answer.body == b"".join(AUDIO)
    assert json.loads(answer.headers["x-gateway-receipt"])["served"] == "a/one"
    assert answer.headers["x-gateway-model"] == "a/one"
    assert world.upstream.received[0].headers["accept"] == "*/*"
    assert world.upstream.received[0].body == {"model": "a/one", "input": "Hello.", "voice": "alloy"}


ERROR = b'{"error": {"code": 503, "message": "Provider is overloaded"}}'
FAILING = [
    pytest.param(fail(503), "overloaded", id="503"),
    pytest.param(reply(200, ERROR), "overloaded", id="a 200 that reports an error"),
    pytest.param(reply(200, b'{"audio": "AAAA"}'), "wrong_content_type", id="JSON"),
    pytest.param(reply(200, b"{"), "wrong_content_type", id="no JSON"),
    pytest.param(speaks(b"<html>", content_type="text/html"), "wrong_content_type", id="HTML"),
    pytest.param(
        speaks(b"x", content_type="audio/mpeg\tx"), "wrong_content_type", id="a type that is no type"
    ),
    pytest.param(speaks(b"x", content_type="audio/" + "x" * 100), "wrong_content_type", id="a long type"),
    pytest.param(speaks(b"data: x\n\n", content_type="text/event-stream"), "wrong_content_type", id="events"),
    pytest.param(speaks(), "empty_answer", id="empty"),
    pytest.param(speaks(RESET), "connection_lost", id="lost"),
    pytest.param(hang, "attempt_timeout", id="hangs"),
    pytest.param(speaks(100.0, b"x"), "attempt_timeout", id="no first byte"),
]
# What a client would get a part of, if it were not held.
INCOMPLETE = [
    pytest.param(speaks(b"abc", 100.0, b"x"), "attempt_timeout", id="no end"),
    pytest.param(speaks(b"abc", RESET), "connection_lost", id="cut off"),
    pytest.param(speaks(b"x" * 1_048_577), "answer_too_large", id="too large"),
]


async def assert_the_next_speaks(world: World, act: Act, code: str, **options: object) -> None:
    world.env = {"MAX_ANSWER_BYTES": "1048576"}
    world.script("a/one", act).script("b/two", speaks(*AUDIO))
    answer = await say(world, "a/one", "b/two", gateway={"retries": 0, **options})

    attempts = json.loads(answer.headers["x-gateway-receipt"])["attempts"]
    assert (answer.status, answer.body, answer.is_cut) == (200, b"".join(AUDIO), False)
    assert [each.get("code") for each in attempts] == [code, None]


@pytest.mark.anyio
@pytest.mark.parametrize(("act", "code"), FAILING)
async def test_the_next_model_speaks_if_one_has_said_nothing(act: Act, code: str) -> None:
    await assert_the_next_speaks(World(), act, code)


@pytest.mark.anyio
@pytest.mark.parametrize(("act", "code"), [*FAILING, *INCOMPLETE])
async def test_audio_that_is_held_is_complete(act: Act, code: str) -> None:
    await assert_the_next_speaks(World(), act, code, on_midstream="hold")


@pytest.mark.anyio
@pytest.mark.parametrize(("act", "code"), INCOMPLETE)
async def test_audio_of_unknown_length_is_held_where_a_client_would_not_see_a_cut(
    act: Act, code: str
) -> None:
    await assert_the_next_speaks(World(shows_cuts=False), act, code)


@pytest.mark.anyio
@pytest.mark.parametrize(("shows_cuts", "headers"), [(True, {}), (False, {"content_length": "6"})])
async def test_audio_is_sent_as_it_comes(
    shows_cuts: bool, headers: dict[str, str]
) -> None:  # a parameter of the test
    world = World(shows_cuts=shows_cuts).script("a/one", speaks(b"abc", 30.0, b"def", **headers))
    answer = await say(world, "a/one", gateway={"idle_ms": 60_000})

    assert [(round(at_s), piece) for at_s, piece in answer.pieces] == [(0, b"abc"), (30, b"def")]
    assert answer.headers.get("content-length") == headers.get("content_length")
    assert not answer.is_cut
    assert world.events("request_done")[0]["outcome"] == "answered"


CUT = [
    pytest.param(speaks(b"abc", RESET), "connection_lost", id="lost"),
    pytest.param(speaks(b"abc", content_length="6"), "connection_lost", id="short"),
    pytest.param(speaks(b"abc", 100.0, b"def"), "idle_timeout", id="stalls"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("act", "code"), CUT)
async def test_audio_that_is_cut_off_never_ends_as_if_it_were_complete(act: Act, code: str) -> None:
    world = ledger_world().script("a/one", act)
    answer = await say(world, "a/one", "b/two", gateway={"idle_ms": 2_000})
    await world.let_run()

    assert (answer.status, answer.body, answer.is_cut) == (200, b"abc", True)
    assert world.upstream.models == ["a/one"]
    (row,) = world.database.rows("SELECT outcome FROM requests")
    assert row["outcome"] == code
    assert world.transport.replies[0].aborted


@pytest.mark.anyio
async def test_a_client_that_leaves_ends_the_call() -> None:
    async def leave(_: bytes) -> None:
        raise ClientGoneError

    world = World().script("a/one", speaks(b"abc", 30.0, b"def"))
    body = {"model": "a/one", "input": "Hello."}
    await finish(await world.begin(body, path=PATH), on_write=leave)

    assert world.transport.replies[0].aborted
    assert world.events("request_done")[0]["outcome"] == "client_gone"


@pytest.mark.anyio
async def test_of_two_models_that_begin_at_once_one_is_ended() -> None:
    world = World().script("a/one", after(2.0, speaks(*AUDIO))).script("b/two", after(1.0, speaks(*AUDIO)))
    answer = await say(world, "a/one", "b/two", gateway={"hedge_ms": 1_000})

    assert (answer.status, answer.body) == (200, b"".join(AUDIO))
    assert [each.aborted for each in world.transport.replies] == [True, True]


@pytest.mark.anyio
async def test_an_exhausted_chain_is_an_error_in_openais_form() -> None:
    world = World().script("a/one", speaks())
    answer = await say(world, "a/one", gateway={"retries": 0})

    assert (answer.status, answer.headers["content-type"]) == (502, "application/json")
    assert answer.json["error"]["code"] == "empty_answer"


@pytest.mark.anyio
async def test_the_cost_is_asked_for_later() -> None:
    headers = {"x-generation-id": "gen-1"}
    world = ledger_world().script("a/one", speaks(*AUDIO, **headers))
    await say(world, "a/one")
    await world.let_run()

    (row,) = world.database.rows("SELECT outcome, cost_state FROM requests")
    assert (row["outcome"], row["cost_state"]) == ("answered", "pending")


@pytest.mark.anyio
async def test_a_budget_holds_the_price_that_is_not_known_until_the_cost_is() -> None:
    world = ledger_world(GATEWAY_KEYS=one_key(budget={"day_usd": 0.1}), UNKNOWN_PRICE_USD="0.1")
    world.script("a/one", speaks(*AUDIO, **{"x-generation-id": "gen-1"}))
    first = await say(world, "a/one")
    await world.let_run()
    second = await say(world, "a/one")

    assert (first.status, second.status) == (200, 402)
    assert second.error["code"] == "budget_spent"
    assert world.upstream.models == ["a/one"]
