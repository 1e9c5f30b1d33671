"""What holds for a request holds in every dialect: each rule is tested with all of them."""

import json
from typing import Any

import pytest

from gateway.settings.budget import period_of
from tests.support.ledger_world import ledger_world
from tests.support.speech import CHAT, COST_USD, MESSAGES, SPEECHES, Speech
from tests.support.upstream import HANG, RESET, after, hang, stream
from tests.support.world import EPOCH_S, PROMPT, TOKEN, Answer, World, finish, one_key

pytestmark = pytest.mark.anyio
BUDGET = one_key(budget={"day_usd": 0.01})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test with the dialects that can do what it needs."""
    marker = metafunc.definition.get_closest_marker("needs")
    needed = set(marker.args) if marker else set()
    speeches = [each for each in SPEECHES if needed <= each.can]
    metafunc.parametrize("speech", speeches, ids=lambda speech: speech.name)


def streamed_text(speech: Speech, answer: Answer) -> str:
    assert speech.is_complete(answer.events), answer.events
    assert speech.error_in(answer.events) is None
    return speech.texts_in(answer.events)


async def test_a_plain_answer_has_the_receipt_and_goes_to_the_dialects_path(speech: Speech) -> None:
    world = World().script("a/one", speech.answers("Hello."))

    answer = await speech.ask(world, "a/one")

    assert (answer.status, speech.text_in(answer.json)) == (200, "Hello.")
    assert answer.receipt["served"] == "a/one"
    assert answer.receipt["cost_usd"] == COST_USD
    assert answer.headers["x-gateway-model"] == "a/one"
    assert [each.path for each in world.upstream.received] == [speech.upstream_path]


@pytest.mark.needs("stream")
async def test_a_stream_has_the_receipt_beside_its_usage(speech: Speech) -> None:
    world = World().script("a/one", speech.streams("Hel", "lo."))

    answer = await speech.ask(world, "a/one", stream=True)

    assert streamed_text(speech, answer) == "Hello."
    held = [speech.answer_of(each) for each in answer.events if each != "[DONE]"]
    holders = [each for each in held if "gateway" in each]
    assert len(holders) == 1
    assert holders[0]["usage"]["cost"] == COST_USD
    assert answer.receipt["served"] == "a/one"


@pytest.mark.needs("other_model")
@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_a_model_that_fails_is_followed_by_the_next(speech: Speech, status: int) -> None:
    world = World().script("a/one", speech.fails(status)).script("b/two", speech.answers("Two."))

    answer = await speech.ask(world, "a/one", "b/two")

    assert speech.text_in(answer.json) == "Two."
    assert [attempt["status"] for attempt in answer.receipt["attempts"]] == [status, 200]


@pytest.mark.needs("stream", "pay_twice")
async def test_a_stream_that_breaks_off_before_its_first_text_is_followed_by_the_next(speech: Speech) -> None:
    world = World().script("a/one", speech.breaks_off()).script("b/two", speech.streams("Two."))

    answer = await speech.ask(world, "a/one", "b/two", stream=True)

    assert streamed_text(speech, answer) == "Two."
    assert answer.receipt["served"] == "b/two"


@pytest.mark.needs("stream")
@pytest.mark.parametrize("end", [b"", RESET], ids=["ends", "is reset"])
async def test_a_stream_that_breaks_off_later_ends_in_an_error_and_never_looks_complete(
    speech: Speech, end: bytes | Exception
) -> None:
    world = World().script("a/one", speech.breaks_off("Hel", end=end))

    answer = await speech.ask(world, "a/one", "b/two", stream=True)

    assert speech.texts_in(answer.events) == "Hel"
    assert not speech.is_complete(answer.events)
    error = speech.error_in(answer.events)
    assert error is not None
    assert error["metadata"]["partial"] is True
    assert world.upstream.models == ["a/one"]


@pytest.mark.needs("stream", "pay_twice")
async def test_a_stream_that_is_held_starts_over_unseen(speech: Speech) -> None:
    world = World().script("a/one", speech.breaks_off("Hel")).script("b/two", speech.streams("Two."))

    answer = await speech.ask(world, "a/one", "b/two", stream=True, gateway={"on_midstream": "hold"})

    assert streamed_text(speech, answer) == "Two."
    assert answer.receipt["served"] == "b/two"


@pytest.mark.needs("continue")
async def test_a_text_that_breaks_off_is_continued_by_the_next_model(speech: Speech) -> None:
    world = (
        World().script("a/one", speech.breaks_off("Once upon ")).script("b/two", speech.streams("a time."))
    )

    answer = await speech.ask(world, "a/one", "b/two", stream=True, gateway={"on_midstream": "continue"})

    assert streamed_text(speech, answer) == "Once upon a time."
    asked = world.upstream.received[1].body["messages"]
    assert asked[-1]["role"] == "assistant"
    assert "Once upon" in json.dumps(asked[-1])


@pytest.mark.needs("stream")
async def test_the_cost_of_a_stream_goes_to_the_ledger(speech: Speech) -> None:
    world = ledger_world().script("a/one", speech.streams("Hello."))

    await speech.ask(world, "a/one", stream=True)
    await world.let_run()

    (row,) = world.database.rows(
        "SELECT cost_micros, prompt_tokens, completion_tokens, outcome FROM requests"
    )
    assert row["outcome"] == "answered"
    assert (row["cost_micros"], row["prompt_tokens"], row["completion_tokens"]) == (21, 3, 2)


async def test_the_cost_goes_to_the_ledger(speech: Speech) -> None:
    world = ledger_world().script("a/one", speech.answers("Hello."))

    await speech.ask(world, "a/one")
    await world.let_run()

    (row,) = world.database.rows(
        "SELECT cost_micros, prompt_tokens, completion_tokens, outcome FROM requests"
    )
    assert row["outcome"] == "answered"
    assert (row["cost_micros"], row["prompt_tokens"]) == (21, 3)
    assert row["completion_tokens"] == (2 if "text" in speech.can else 0)


async def test_a_budget_that_is_spent_refuses_before_any_call(speech: Speech) -> None:
    world = ledger_world(GATEWAY_KEYS=BUDGET).script("a/one", speech.answers())
    world.database.rows("INSERT INTO spend VALUES ('one', ?, 10000, 1)", period_of("day", EPOCH_S))

    answer = await speech.ask(world, "a/one")

    assert answer.status == 402
    assert answer.error["code"] == "budget_spent"
    assert answer.headers["x-should-retry"] == "false"
    assert not world.upstream.received


async def test_a_rate_limit_refuses_with_the_time_to_wait(speech: Speech) -> None:
    world = World({"GATEWAY_KEYS": one_key(per_minute=1)}).script("a/one", speech.answers())

    first, second = [await speech.ask(world, "a/one") for _ in range(2)]

    assert (first.status, second.status) == (200, 429)
    assert second.error["code"] == "too_many_requests"
    assert "x-should-retry" not in second.headers
    assert int(second.headers["retry-after"]) > 0


@pytest.mark.needs("other_model")
async def test_an_exhausted_chain_says_that_the_client_should_not_ask_again(speech: Speech) -> None:
    world = World().script("a/one", speech.fails(500)).script("b/two", speech.fails(503))

    answer = await speech.ask(world, "a/one", "b/two")

    assert answer.status == 503
    assert answer.headers["x-should-retry"] == "false"
    assert "a/one" in answer.error["message"]
    assert len(answer.receipt["attempts"]) == len(world.upstream.received)


@pytest.mark.needs("other_model")
async def test_a_plan_shows_the_chain_without_a_call(speech: Speech) -> None:
    world = World()
    body = speech.body("a/one", "b/two")

    response = await world.begin(body, path=f"/v1/plan?dialect={speech.name}")

    plan = (await finish(response)).json
    assert plan["dialect"] == speech.name
    assert [step["model"] for step in plan["chain"]] == ["a/one", "b/two"]
    assert not world.upstream.received


async def test_the_same_request_again_comes_from_the_answer_cache(speech: Speech) -> None:
    world = World().script("a/one", speech.answers("Hello."))
    options = {"cache_ttl_s": 60}

    await speech.ask(world, "a/one", gateway=options)
    await world.let_run()
    again = await speech.ask(world, "a/one", gateway=options)

    assert speech.text_in(again.json) == "Hello."
    assert again.headers["x-gateway-cache"] == "hit"
    assert again.receipt["cache"]["hit"] is True
    assert again.receipt["cost_usd"] == 0.0
    assert again.json["usage"]["cost"] == 0
    assert len(world.upstream.received) == 1


@pytest.mark.needs("stream")
async def test_the_same_stream_again_comes_from_the_answer_cache(speech: Speech) -> None:
    world = World().script("a/one", speech.streams("Hello."))
    options = {"cache_ttl_s": 60}

    await speech.ask(world, "a/one", stream=True, gateway=options)
    await world.let_run()
    again = await speech.ask(world, "a/one", stream=True, gateway=options)

    assert streamed_text(speech, again) == "Hello."
    assert again.receipt["cache"]["hit"] is True
    assert again.receipt["cost_usd"] == 0.0
    assert len(world.upstream.received) == 1


async def test_a_dialects_cached_answer_is_not_that_of_another(speech: Speech) -> None:
    world = World().script("a/one", speech.answers("Hello."))
    options = {"cache_ttl_s": 60}
    await speech.ask(world, "a/one", gateway=options, max_tokens=1_000)
    await world.let_run()

    other = MESSAGES if speech is CHAT else CHAT
    await other.ask(world, "a/one", gateway=options, max_tokens=1_000)

    assert other.upstream_path in [each.path for each in world.upstream.received]


@pytest.mark.needs("stream", "pay_twice")
async def test_a_hedge_answers_while_the_first_model_is_silent(speech: Speech) -> None:
    world = World().script("a/one", hang).script("b/two", speech.streams("Two."))

    answer = await speech.ask(world, "a/one", "b/two", stream=True, gateway={"hedge_ms": 500})

    assert streamed_text(speech, answer) == "Two."
    assert world.upstream.cancelled == ["a/one"]


@pytest.mark.needs("agent")
async def test_an_agent_that_repeats_a_call_is_refused(speech: Speech) -> None:
    world = World({"LOOP_LIMIT": "3"})

    asked: dict[str, Any] = {next(iter(speech.content)): speech.repeated_call(4)}

    answer = await speech.ask(world, "a/one", **asked)

    assert answer.status == 422
    assert answer.error["code"] == "agent_loop"
    assert not world.upstream.received


async def test_a_session_has_one_budget(speech: Speech) -> None:
    world = ledger_world().script("a/one", speech.answers())
    options = {"max_session_usd": 0.000_02}
    headers = {"x-session-id": "s1"}

    await speech.ask(world, "a/one", headers=headers, gateway={"max_session_usd": 1.0})
    await world.let_run()
    answer = await speech.ask(world, "a/one", headers=headers, gateway=options)

    assert answer.status == 402
    assert answer.error["code"] == "session_budget_spent"


@pytest.mark.needs("stream")
async def test_keep_alives_come_before_an_error_that_ends_the_stream(speech: Speech) -> None:
    world = World().script("a/one", after(3.0, speech.fails(500)))

    answer = await speech.ask(world, "a/one", stream=True, gateway={"keepalive_ms": 1_000, "retries": 0})

    assert answer.status == 200
    assert answer.body.startswith(b": keep-alive\n\n")
    error = speech.error_in(answer.events)
    assert error is not None
    assert not speech.is_complete(answer.events)


@pytest.mark.needs("stream", "watch")
async def test_a_watched_answer_is_put_together_from_a_stream(speech: Speech) -> None:
    world = World().script("a/one", speech.streams("Hel", "lo."))

    answer = await speech.ask(world, "a/one", gateway={"watch": True})

    assert speech.text_in(answer.json) == "Hello."
    assert answer.receipt["cost_usd"] == COST_USD
    assert world.upstream.received[0].body["stream"] is True


@pytest.mark.needs("stream", "watch")
async def test_a_watched_answer_that_breaks_off_is_followed_by_the_next(speech: Speech) -> None:
    world = World().script("a/one", speech.breaks_off("Hel")).script("b/two", speech.streams("Two."))

    answer = await speech.ask(world, "a/one", "b/two", gateway={"watch": True})

    assert speech.text_in(answer.json) == "Two."


@pytest.mark.needs("stream")
async def test_a_stream_that_stops_after_its_beginning_ends_by_the_idle_limit(speech: Speech) -> None:
    world = World().script("a/one", stream(*speech.opening, speech.text("Hel"), HANG))

    answer = await speech.ask(world, "a/one", stream=True, gateway={"idle_ms": 2_000})

    assert speech.texts_in(answer.events) == "Hel"
    error = speech.error_in(answer.events)
    assert error is not None
    assert error["code"] == "idle_timeout"


# What is added to a good body, the code of the error, and the field that it names.
BAD_FIELDS: dict[str, tuple[dict[str, object], str, str]] = {
    "an unknown option": ({"gateway": {"x": 1}}, "unknown_option", "gateway.x"),
    "a refused field": ({"api_key": "x"}, "refused_field", "api_key"),
    "models that are none": ({"models": 1}, "invalid_field", "models"),
    "a model that is none": ({"model": [1]}, "invalid_field", "model"),
    "an item of models that is none": ({"models": [[1]]}, "invalid_field", "models[0]"),
    "a task that does not exist": ({"model": "task/x"}, "unknown_task", "model"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
async def test_a_bad_field_is_refused_by_name_in_the_dialects_form(speech: Speech, case: str) -> None:
    given, code, param = BAD_FIELDS[case]
    world = World()

    answer = await finish(await world.begin(speech.body() | given, path=speech.path))

    assert_refused(speech, answer, world, code, param)


@pytest.mark.parametrize(("raw", "code"), [(b"{", "invalid_json"), (b"[]", "invalid_body")])
async def test_a_body_that_is_no_object_is_refused(speech: Speech, raw: bytes, code: str) -> None:
    world = World()

    answer = await finish(await world.begin(raw, path=speech.path))

    assert_refused(speech, answer, world, code, None)


async def test_a_body_without_what_is_asked_is_refused(speech: Speech) -> None:
    for name in speech.content:
        body = speech.body("a/one")
        del body[name]
        world = World()

        answer = await finish(await world.begin(body, path=speech.path))

        assert_refused(speech, answer, world, "missing_field", name)


@pytest.mark.needs("messages")
async def test_a_message_that_is_none_is_refused(speech: Speech) -> None:
    world = World()

    answer = await finish(await world.begin({"messages": [1]}, path=speech.path))

    assert_refused(speech, answer, world, "invalid_field", "messages[0]")


def assert_refused(speech: Speech, answer: Answer, world: World, code: str, param: str | None) -> None:
    assert 400 <= answer.status < 500
    assert (answer.error["code"], answer.error["param"]) == (code, param)
    assert (answer.json.get("type") == "error") is (speech is MESSAGES)
    assert PROMPT not in answer.body.decode()
    assert not world.upstream.received


async def test_a_wrong_key_is_refused_in_the_dialects_form(speech: Speech) -> None:
    answer = await speech.ask(World(), "a/one", headers={"authorization": "Bearer wrong"})

    assert answer.status == 401
    assert answer.error["type"] == "authentication_error"
    assert (answer.json.get("type") == "error") is (speech is MESSAGES)
    assert answer.headers["x-should-retry"] == "false"


async def test_the_body_goes_upstream_byte_for_byte_but_for_the_gateways_own_fields(speech: Speech) -> None:
    content = b" , ".join(
        b'"%b" :  %b' % (name.encode(), json.dumps(each).encode()) for name, each in speech.content.items()
    )
    kept = b'"seed" : 1e2,  ' + content + b' ,"y":"\\u00e9 \xc3\xa9","x":{"b":1,"a":[ ],"c":[1, 2]}'
    raw = b'{"models":["a/one"],' + kept + b',"gateway":{"retries":0}}'
    world = World().script("a/one", speech.answers())

    await finish(await world.begin(raw, path=speech.path))

    (call,) = world.upstream.received
    assert call.raw == b'{"model":"a/one",' + kept + b"}"


async def test_no_answer_shows_a_key(speech: Speech) -> None:
    world = World().script("a/one", speech.fails(400, f"bad key {TOKEN}"))

    answer = await speech.ask(world, "a/one")

    assert answer.status == 400
    assert world.env.get("OPENROUTER_API_KEY", "sk-or-v1-canary") not in answer.body.decode()
