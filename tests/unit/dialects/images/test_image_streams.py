"""Tests what a client gets of a stream of images: when it commits, how it ends, what is never paid twice."""

import json

import pytest

from gateway.settings.patience import NORMAL
from tests.support.chunks import COST_USD, DONE
from tests.support.upstream import HANG, RESET, Step, fail, stream
from tests.support.world import PROMPT, TOKEN, Answer, World, finish, now_s

pytestmark = pytest.mark.anyio
USAGE = {"prompt_tokens": 3, "completion_tokens": 272, "total_tokens": 275, "cost": COST_USD}
PREFIX = "image_generation."


def event(kind: str, *, named: bool = False, **fields: object) -> bytes:
    data = f"data: {json.dumps({'type': PREFIX + kind, **fields})}\n\n"
    return (f"event: {PREFIX}{kind}\n{data}" if named else data).encode()


def partial(picture: str = "AAAA", *, named: bool = False) -> bytes:
    return event("partial_image", named=named, partial_image_index=0, b64_json=picture)


def completed(picture: str = "BBBB", *, named: bool = False, **fields: object) -> bytes:
    return event("completed", named=named, **{"b64_json": picture, "created": 1, "usage": USAGE, **fields})


async def ask(world: World, *models: str, **given: object) -> Answer:
    body: dict[str, object] = {"prompt": PROMPT, "models": list(models), "stream": True, **given}
    headers = {"authorization": f"Bearer {TOKEN}"}
    return await finish(await world.begin(body, path="/v1/images", headers=headers))


def pictures(answer: Answer) -> list[str]:
    return [each["b64_json"] for each in answer.events if each != "[DONE]" and "b64_json" in each]


async def test_events_pass_byte_for_byte_and_the_last_picture_has_the_receipt() -> None:
    odd = b'data: {"type" : "image_generation.partial_image","b64_json":"AA\\u0041A" }\n\n'
    world = World().script("a/one", stream(odd, completed(), DONE))

    answer = await ask(world, "a/one")

    assert answer.body.startswith(odd)
    assert answer.body.endswith(DONE)
    assert answer.events[-2]["gateway"] == answer.receipt
    assert (answer.receipt["served"], answer.receipt["cost_usd"]) == ("a/one", COST_USD)
    assert world.upstream.received[0].body == {"prompt": PROMPT, "stream": True, "model": "a/one"}


async def test_an_end_without_done_gets_one() -> None:
    world = World().script("a/one", stream(partial(), completed()))

    answer = await ask(world, "a/one")

    assert answer.body.endswith(DONE)


async def test_names_of_events_stay_and_the_gateways_own_events_have_them_too() -> None:
    first = partial(named=True)
    whole = World().script("a/one", stream(first, completed(named=True), DONE))
    cut = World().script("a/one", stream(first))

    answer, lost = await ask(whole, "a/one"), await ask(cut, "a/one")

    assert answer.body.startswith(first + b"event: image_generation.completed\ndata: {")
    assert lost.body.startswith(first + b'event: error\ndata: {"type":"error",')


# Events of a stream that is cut off after a picture has begun, or that reports an error.
CUTS: dict[str, tuple[Step, ...]] = {
    "it ends": (partial(),),
    "it is reset": (partial(), RESET),
    "only [DONE] follows": (partial(), DONE),
    "it is silent": (partial(), HANG),
    "an error": (partial(), event("x", error={"message": "x", "code": "server_error"})),
    "an error event": (
        partial(),
        b'data: {"type": "error", "error": {"message": "x", "code": "server_error"}}\n\n',
    ),
    "the last event has no picture": (partial(), completed("")),
    "no JSON": (partial(), b"data: {oops\n\n"),
    "a second picture is cut off": (completed(), partial()),
}


@pytest.mark.parametrize("case", CUTS)
@pytest.mark.parametrize("mode", ["error", "hold"])
async def test_a_stream_that_is_cut_off_ends_in_an_error_and_no_other_model_is_asked(
    case: str, mode: str
) -> None:
    world = World().script("a/one", stream(*CUTS[case])).script("b/two", stream(completed(), DONE))

    answer = await ask(world, "a/one", "b/two", n=2, gateway={"idle_ms": 1_000, "on_midstream": mode})

    if mode == "hold" and "an error" in case:  # an answer that ends in an error is not billed
        assert pictures(answer) == ["BBBB"]
        return
    assert world.upstream.models == ["a/one"]
    if mode == "hold":
        assert "may have been billed" in answer.body.decode()
        return
    assert answer.events[-1]["type"] == "error"
    assert {"message", "code", "param", "type"} <= set(answer.events[-1]["error"])
    assert answer.events[-1]["error"]["metadata"]["partial"] is True


async def test_a_held_stream_starts_over_if_it_may_be_billed_twice() -> None:
    world = World().script("a/one", stream(partial())).script("b/two", stream(completed(), DONE))

    answer = await ask(world, "a/one", "b/two", gateway={"on_midstream": "hold", "retry_billed": True})

    assert pictures(answer) == ["BBBB"]


# Events before the first picture, after which another model may be asked, or not.
@pytest.mark.parametrize(
    ("events", "asked"),
    [
        ((partial(""),), ["a/one"]),
        ((completed(""),), ["a/one"]),
        ((completed("", usage={"cost": 0}),), ["a/one", "b/two"]),
        ((b'data: {"type": "error", "error": {"message": "x", "code": 502}}\n\n',), ["a/one", "b/two"]),
        ((DONE,), ["a/one"]),
    ],
    ids=["cut off", "no picture", "no picture and no cost", "an error", "only [DONE]"],
)
async def test_a_stream_without_a_picture_is_followed_by_another_only_if_it_costs_nothing(
    events: tuple[bytes, ...], asked: list[str]
) -> None:
    world = World().script("a/one", stream(*events)).script("b/two", stream(completed(), DONE))

    answer = await ask(world, "a/one", "b/two", gateway={"retries": 0})

    assert world.upstream.models == asked
    assert (answer.status == 200) is (len(asked) > 1)


async def test_a_text_is_progress_and_needs_no_picture_at_the_end() -> None:
    text = event("text_chunk", phase="content", text="<svg/>")
    world = World().script("a/one", stream(text, completed(""), DONE))

    answer = await ask(world, "a/one")

    assert answer.body.startswith(text)
    assert answer.events[-2]["gateway"]["served"] == "a/one"


async def test_each_of_several_pictures_is_sent_and_only_the_last_has_the_receipt() -> None:
    events = (partial("A1"), completed("B1"), partial("A2"), completed("B2"), DONE)
    world = World().script("a/one", stream(*events))

    answer = await ask(world, "a/one", n=2)

    assert pictures(answer) == ["A1", "B1", "A2", "B2"]
    assert ["gateway" in each for each in answer.events[:-1]] == [False, False, False, True]


async def test_fewer_pictures_than_requested_are_an_answer() -> None:
    world = World().script("a/one", stream(completed(), DONE))

    assert (await ask(world, "a/one", n=4)).receipt["served"] == "a/one"


async def test_a_picture_of_megabytes_passes_unread() -> None:
    large = "QUJD" * 750_000
    sent = partial(large)
    world = World().script("a/one", stream(sent, completed(large), DONE))

    answer = await ask(world, "a/one")

    assert answer.body.startswith(sent)
    assert answer.events[-2]["b64_json"] == large


async def test_an_event_that_is_too_large_ends_the_stream() -> None:
    large = partial("A" * 2_000_000)
    world = World({"MAX_ANSWER_BYTES": "1048576"}).script("a/one", stream(partial(), large[:-9], large[-9:]))

    answer = await ask(world, "a/one")

    assert answer.events[-1]["error"]["code"] == "malformed_event"


async def test_a_plain_request_is_not_asked_as_a_stream() -> None:
    world = World({"WATCH_PLAIN": "true"}).script("a/one", fail(503))

    await ask(world, "a/one", stream=False, gateway={"retries": 0})

    assert world.upstream.received[0].body["stream"] is False


async def test_the_pause_between_two_pictures_may_be_as_long_as_a_plain_answer() -> None:
    world = World().script("a/one", stream(partial(), HANG))
    began_s = now_s()

    await ask(world, "a/one")

    assert now_s() - began_s == pytest.approx(NORMAL.plain_s, abs=1)
