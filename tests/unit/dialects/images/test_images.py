"""Which requests for images are accepted, which answers are usable, and when another model is asked."""

import json

import pytest

from gateway.dialects.answer_test import AnswerTest, Expected
from gateway.dialects.images.dialect import IMAGES
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.faults.fault import AttemptFailedError
from gateway.http.errors import GatewayError
from tests.support.upstream import RESET, Act, after, breaks, fail, hang, refuse, reply
from tests.support.world import PROMPT, TOKEN, Answer, World, finish

PICTURE = {"b64_json": "iVBORw0KGgo=", "media_type": "image/png"}
LINK = {"url": "https://x.example/a.png"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 272, "total_tokens": 275, "cost": 0.04}


def parsed(**fields: object) -> ModelRequest:
    return IMAGES.parse(json.dumps({"model": "a/one", "prompt": "p", **fields}).encode(), max_values=1_000)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"prompt": None}, "missing_field", "prompt"),
        ({"prompt": ["p"]}, "invalid_field", "prompt"),
        ({"n": 0}, "invalid_field", "n"),
        ({"n": 1.5}, "invalid_field", "n"),
        ({"n": "1"}, "invalid_field", "n"),
        ({"input_references": "p"}, "invalid_field", "input_references"),
        ({"stream": 1}, "invalid_field", "stream"),
        ({"models": []}, "invalid_field", "models"),
        ({"gateway": {"retry_billed": 1}}, "invalid_field", "gateway.retry_billed"),
        ({"api_key": "k"}, "refused_field", "api_key"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], code: str, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)

    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_request_needs_a_model_that_makes_pictures_and_its_cost_is_unknown() -> None:
    requirements = parsed().requirements

    assert requirements.outputs == {"image"}
    assert not requirements.inputs
    assert requirements.has_fees


def test_pictures_in_a_request_need_a_model_that_sees() -> None:
    reference = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}}
    requirements = parsed(input_references=[reference]).requirements

    assert requirements.inputs == {"image"}
    assert requirements.tokens.text_bytes < 1_000  # the picture's data is no text


def read(payload: object) -> Completion:
    test = AnswerTest(json=False, reasoning_only=False, expected=Expected())
    raw = json.dumps(payload).encode()
    return IMAGES.read_answer(raw, test, header=lambda _: None, now_s=0.0)


@pytest.mark.parametrize("data", [[PICTURE], [LINK], [{"b64_json": ""}, PICTURE]])
def test_a_usable_answer(data: list[object]) -> None:
    assert read({"created": 1, "data": data}).payload["data"] == data


@pytest.mark.parametrize(
    "data", [None, [], {}, "a", [{}], [None], ["a"], [{"b64_json": ""}], [{"url": None, "b64_json": 1}]]
)
def test_an_answer_without_a_picture_is_none(data: object) -> None:
    with pytest.raises(AttemptFailedError) as caught:
        read({"data": data, "usage": {"cost": 0.5}})

    assert (caught.value.fault.code, caught.value.fault.cost_usd) == ("empty_answer", 0.5)


def test_a_long_picture_is_not_parsed() -> None:
    raw = json.dumps({"created": 1, "data": [{"b64_json": "A" * 1_000_000}]}).encode()
    test = AnswerTest(json=False, reasoning_only=False)
    answer = IMAGES.read_answer(raw, test, header=lambda _: None, now_s=0.0)

    assert len(json.dumps(answer.payload)) < 100_000
    assert answer.raw == raw


def test_the_tokens_of_pictures_are_counted() -> None:
    tokens = IMAGES.tokens_of({"prompt_tokens": 3, "completion_tokens": 272})

    assert (tokens.prompt, tokens.completion, tokens.are_stated) == (3, 272, True)
    assert not IMAGES.tokens_of({}).are_stated


# -- the chain


def pictures(*data: object, **usage: object) -> Act:
    payload = {"created": 1, "data": [*data], "usage": {**USAGE, **usage}}
    return reply(200, json.dumps(payload).encode(), x_generation_id="gen-1700000000-abc")


async def ask(world: World, *models: str, path: str = "/v1/images", **fields: object) -> Answer:
    body = {"models": [*models], "prompt": PROMPT, **fields}
    return await finish(await world.begin(body, path=path, headers={"authorization": f"Bearer {TOKEN}"}))


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/images", "/v1/images/generations", "/api/v1/images"])
async def test_a_picture_is_returned_with_its_receipt(path: str) -> None:
    world = World().script("a/one", fail(503)).script("b/two", pictures(PICTURE))

    got = await ask(world, "a/one", "b/two", path=path, size="1024x1024")

    assert (got.status, got.json["data"], got.receipt["served"]) == (200, [PICTURE], "b/two")
    assert got.receipt["cost_usd"] == 0.04
    sent = world.upstream.received[-1]
    assert (sent.path, sent.body) == (
        "/api/v1/images",
        {"prompt": PROMPT, "size": "1024x1024", "model": "b/two"},
    )


# What may have cost something, and whether that is known.
MAY_BE_BILLED = [
    pytest.param(hang, "attempt_timeout", id="timeout"),
    pytest.param(after(20.0, breaks(RESET)), "connection_lost", id="lost"),
    pytest.param(reply(200, b'{"data": [', RESET), "connection_lost", id="cut"),
    pytest.param(fail(504), "upstream_timeout", id="504"),
    pytest.param(pictures(), "empty_answer", id="billed and empty"),
    pytest.param(pictures({"b64_json": ""}, cost=None), "empty_answer", id="empty, cost unknown"),
    pytest.param(reply(200, b"<html>"), "not_json", id="not JSON"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("act", "code"), MAY_BE_BILLED)
async def test_no_second_model_is_asked_after_an_attempt_that_may_be_billed(act: Act, code: str) -> None:
    world = World().script("a/one", act).script("b/two", pictures(PICTURE))

    got = await ask(world, "a/one", "b/two", gateway={"retry_first": True, "retries": 2})

    assert world.upstream.models == ["a/one"]
    assert (got.status >= 500, got.error["code"]) == (True, code)
    assert "may have been billed" in got.error["message"]
    assert got.error["metadata"]["retryable"] is False
    assert got.headers["x-should-retry"] == "false"


@pytest.mark.anyio
@pytest.mark.parametrize(("act", "code"), MAY_BE_BILLED)
async def test_retry_billed_allows_a_second_model(act: Act, code: str) -> None:
    world = World().script("a/one", act).script("b/two", pictures(PICTURE))

    got = await ask(world, "a/one", "b/two", gateway={"retry_billed": True})

    assert (got.status, got.codes) == (200, [code, None])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(fail(400), id="400"),
        pytest.param(fail(429), id="429"),
        pytest.param(fail(502), id="502"),
        pytest.param(fail(503), id="503"),
        pytest.param(refuse, id="refused"),
        pytest.param(pictures({"b64_json": ""}, cost=0), id="empty, cost 0"),
    ],
)
async def test_a_second_model_is_asked_after_an_attempt_that_cost_nothing(act: Act) -> None:
    world = World().script("a/one", act).script("b/two", pictures(PICTURE))

    got = await ask(world, "a/one", "b/two")

    assert (got.status, world.upstream.models) == (200, ["a/one", "b/two"])


@pytest.mark.anyio
async def test_the_error_names_the_generation_of_an_attempt_that_may_be_billed() -> None:
    world = World().script("a/one", pictures())

    got = await ask(world, "a/one", "b/two")

    assert "gen-1700000000-abc" in got.error["message"]


@pytest.mark.anyio
async def test_the_first_model_gets_the_complete_deadline() -> None:
    world = World().script("a/one", after(50.0, pictures(PICTURE)))

    got = await ask(world, "a/one", "b/two", gateway={"deadline_ms": 60_000})

    assert (got.status, got.receipt["served"]) == (200, "a/one")


@pytest.mark.anyio
async def test_a_request_for_images_is_not_hedged() -> None:
    world = World().script("a/one", after(5.0, pictures(PICTURE))).script("b/two", pictures(PICTURE))

    got = await ask(world, "a/one", "b/two", gateway={"hedge_ms": 100, "retry_billed": True})

    assert (got.receipt["served"], world.upstream.models) == ("a/one", ["a/one"])


@pytest.mark.anyio
async def test_a_request_without_a_model_is_refused() -> None:
    got = await ask(World())

    assert (got.status, got.error["code"]) == (400, "invalid_field")
