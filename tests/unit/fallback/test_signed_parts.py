"""Tests who gets the signed reasoning of a conversation, in every dialect that has it."""

import json
from typing import Any

import pytest

from gateway.memory.signatures import digest_of
from tests.support.signed import SIGNINGS, USER, Signing
from tests.support.upstream import after, fail
from tests.support.world import Answer, World, finish

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("signing", SIGNINGS, ids=[each.speech.name for each in SIGNINGS]),
]
OPUS, SONNET, GPT, GROK = "anthropic/opus", "anthropic/sonnet", "openai/gpt", "x-ai/grok"


def world_of(signing: Signing, **makers: str) -> World:
    """Return a world with healthy models, which remembers who made each signature."""
    world = World()
    for model in (OPUS, SONNET, GPT, GROK, "a/one"):
        world.script(model, signing.speech.answers())
    for signature, model in makers.items():
        world.memory.signatures.note(digest_of(signature), model)
    return world


def sent_by(world: World) -> list[tuple[str, dict[str, Any]]]:
    return [(each.model, each.body) for each in world.upstream.received]


def given_by(world: World, signing: Signing) -> list[tuple[str, list[str]]]:
    """Return the models that were called, each with the signatures that it got."""
    return [(model, signing.signatures_in(body)) for model, body in sent_by(world)]


def removed_by(got: Answer) -> list[int]:
    return [attempt.get("signed_parts_removed", 0) for attempt in got.receipt["attempts"]]


async def plan_of(world: World, signing: Signing, *models: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON
    path = f"/v1/plan?dialect={signing.speech.name}"
    got = await finish(await world.begin(signing.speech.body(*models, **fields), path=path))
    assert got.status == 200, got.body
    return got.json


@pytest.mark.parametrize("stream", [False, True])
async def test_who_signed_a_conversation_is_asked_first(signing: Signing, stream: bool) -> None:
    world = world_of(signing)
    signed = signing.streams("sig-1") if stream else signing.answers("sig-1")
    world.script(GPT, fail(404), signing.speech.answers()).script(OPUS, signed, signing.speech.answers())

    await signing.speech.ask(world, GPT, OPUS, stream=stream)
    got = await signing.speech.ask(world, GPT, OPUS, messages=signing.talk(signing.turn("sig-1")))

    assert given_by(world, signing)[2:] == [(OPUS, ["sig-1"])]
    assert got.receipt["signed_by"] == OPUS


async def test_a_signature_is_known_whole_and_in_pieces(signing: Signing) -> None:
    world = world_of(signing).script(OPUS, signing.streams("sig", "nat", "ure"))

    await signing.speech.ask(world, OPUS, stream=True)

    for known in ("signature", "ure"):  # some clients join the pieces, and some keep the last one
        assert world.memory.signatures.maker_of(digest_of(known)) == OPUS


async def test_a_watched_and_a_held_answer_are_remembered_too(signing: Signing) -> None:
    for options, stream in (({"watch": True}, False), ({"on_midstream": "hold"}, True)):
        world = world_of(signing).script(OPUS, signing.streams("sig-1"))

        await signing.speech.ask(world, OPUS, stream=stream, gateway=options)

        assert world.memory.signatures.maker_of(digest_of("sig-1")) == OPUS


async def test_a_long_signature_is_known_in_a_large_body_too(signing: Signing) -> None:
    signature = "c2ln/" * 1_000
    world = world_of(signing).script(OPUS, signing.answers(signature))
    talk = signing.talk(signing.turn(signature), signing.said([], "x" * 400_000))

    await signing.speech.ask(world, OPUS)
    raw = json.dumps(signing.speech.body(GPT, OPUS, messages=talk)).replace("/", r"\/")
    await finish(await world.begin(raw.encode(), path=signing.speech.path))

    assert given_by(world, signing)[1:] == [(OPUS, [signature])]


async def test_the_newest_signature_counts(signing: Signing) -> None:
    world = world_of(signing, old=SONNET, new=OPUS)
    talk = signing.talk(signing.turn("old"), signing.turn("new"), signing.turn("unknown"))

    got = await signing.speech.ask(world, SONNET, OPUS, messages=talk)

    assert world.upstream.models == [OPUS]
    assert got.receipt["signed_by"] == OPUS


@pytest.mark.parametrize("options", [{"order": "given"}, {"order": "cheapest"}])
async def test_an_order_of_the_callers_own_comes_before_the_maker(
    signing: Signing, options: dict[str, str]
) -> None:
    world = world_of(signing, sig=OPUS)

    await signing.speech.ask(world, GPT, OPUS, messages=signing.talk(signing.turn("sig")), gateway=options)

    assert world.upstream.models == [GPT]


async def test_a_maker_that_is_not_in_the_chain_changes_no_order(signing: Signing) -> None:
    world = world_of(signing, sig="google/gemini")

    got = await signing.speech.ask(world, GPT, OPUS, messages=signing.talk(signing.turn("sig")))

    assert world.upstream.models == [GPT]
    assert (
        got.receipt["signed_by"] == "google"
    )  # the name of a model that the caller did not name is not shown


async def test_what_two_models_sign_alike_tells_nothing(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS)
    world.memory.signatures.note(digest_of("sig"), GPT)

    got = await signing.speech.ask(world, SONNET, OPUS, messages=signing.talk(signing.turn("sig")))

    assert given_by(world, signing) == [(SONNET, ["sig"])]
    assert "signed_by" not in got.receipt


async def test_a_part_of_another_author_is_taken_out_before_the_first_call(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS).script(OPUS, fail(503))
    turn = signing.said([signing.part("sig"), signing.part(None), signing.hidden("sealed")], "An answer.")

    got = await signing.speech.ask(world, OPUS, GPT, messages=signing.talk(turn), temperature=0.5)

    assert given_by(world, signing) == [(OPUS, ["sig", "sealed"]), (GPT, ["sealed"])]
    assert removed_by(got) == [0, 1]
    before, now = (body for _, body in sent_by(world))
    rest = signing.said([signing.part(None), signing.hidden("sealed")], "An answer.")
    assert now == {**before, "model": GPT, "messages": signing.talk(rest)}


async def test_a_refused_signature_is_left_out_of_one_more_request_to_the_same_model(
    signing: Signing,
) -> None:
    world = world_of(signing).script(GPT, signing.refuses(retry_after="30"), signing.speech.answers())

    got = await signing.speech.ask(world, GPT, OPUS, messages=signing.talk(signing.turn("s-1", "s-2")))

    assert given_by(world, signing) == [(GPT, ["s-1", "s-2"]), (GPT, [])]
    assert removed_by(got) == [0, 2]
    assert got.codes == ["foreign_signature", None]
    assert got.receipt["served"] == GPT


async def test_no_model_after_a_refusal_gets_what_it_has_not_signed(signing: Signing) -> None:
    world = world_of(signing, opus=OPUS)
    world.script(GPT, signing.refuses(), fail(404)).script(GROK, fail(404))
    turns = [signing.turn("unknown"), signing.turn("opus")]

    await signing.speech.ask(
        world, GPT, GROK, OPUS, messages=signing.talk(*turns), gateway={"order": "given"}
    )

    assert given_by(world, signing) == [(GPT, ["unknown"]), (GPT, []), (GROK, []), (OPUS, ["opus"])]


async def test_another_model_of_the_same_author_gets_a_part_until_it_refuses_it(signing: Signing) -> None:
    world = world_of(signing, opus=OPUS, sonnet=SONNET)
    world.script(SONNET, signing.refuses(), signing.speech.answers())
    turns = [signing.turn("sonnet"), signing.turn("opus")]

    await signing.speech.ask(world, SONNET, messages=signing.talk(*turns))

    assert given_by(world, signing) == [(SONNET, ["sonnet", "opus"]), (SONNET, ["sonnet"])]


async def test_a_model_that_refuses_its_own_signatures_is_asked_without_any(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS).script(OPUS, signing.refuses(), signing.speech.answers())

    await signing.speech.ask(world, OPUS, messages=signing.talk(signing.turn("sig")))

    assert given_by(world, signing) == [(OPUS, ["sig"]), (OPUS, [])]


async def test_a_model_is_asked_once_more_and_not_again(signing: Signing) -> None:
    world = world_of(signing, opus=OPUS).script(OPUS, signing.refuses())

    got = await signing.speech.ask(
        world, OPUS, messages=signing.talk(signing.turn("unknown", "opus")), gateway={"retries": 3}
    )

    assert given_by(world, signing) == [(OPUS, ["unknown", "opus"]), (OPUS, ["opus"])]
    assert got.status == 400


async def test_a_request_without_signed_parts_falls_back_at_once(signing: Signing) -> None:
    world = world_of(signing).script(GPT, signing.refuses())

    got = await signing.speech.ask(world, GPT, OPUS, messages=signing.talk(signing.said([], "An answer.")))

    assert world.upstream.models == [GPT, OPUS]
    assert got.receipt["attempts"][0]["billed"] == "no"


async def test_a_part_with_an_empty_signature_stays_until_it_is_refused(signing: Signing) -> None:
    world = world_of(signing, sig=GROK).script(OPUS, signing.refuses(), signing.speech.answers())
    talk = signing.talk(signing.said([signing.part(""), signing.part(None)], "An answer."))

    await signing.speech.ask(world, OPUS, messages=talk)

    parts = [[*signing.parts_in(body["messages"][1])] for _, body in sent_by(world)]
    assert signing.part("") in parts[0]
    assert signing.part("") not in parts[1]
    assert signing.part(None) in parts[1]


async def test_a_code_that_stops_the_chain_stops_it_here_too(signing: Signing) -> None:
    world = world_of(signing).script(GPT, signing.refuses())

    got = await signing.speech.ask(
        world,
        GPT,
        OPUS,
        messages=signing.talk(signing.turn("sig")),
        gateway={"stop_on": ["foreign_signature"]},
    )

    assert world.upstream.models == [GPT]
    assert got.status == 400


async def test_the_model_is_not_asked_again_beyond_the_number_of_attempts(signing: Signing) -> None:
    world = world_of(signing).script(GPT, signing.refuses())
    world.env = {"MAX_ATTEMPTS": "1"}

    await signing.speech.ask(world, GPT, OPUS, messages=signing.talk(signing.turn("sig")))

    assert world.upstream.models == [GPT]


async def test_a_message_of_nothing_else_is_taken_out(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS)
    turns = [signing.turn("sig", text=None), signing.turn("sig")]

    await signing.speech.ask(world, GPT, messages=signing.talk(*turns), gateway={"order": "given"})

    ((_, body),) = sent_by(world)
    rest = signing.said([], "An answer.")
    if not signing.parts_in(rest):
        rest.pop("reasoning_details")
    assert body["messages"] == [USER, USER, rest, USER]


@pytest.mark.parametrize("stream", [False, True])
async def test_hedged_models_get_what_they_have_signed(signing: Signing, stream: bool) -> None:
    world = world_of(signing, sig=OPUS).script(OPUS, after(5.0, fail(503)))
    world.script(GPT, signing.streams("other") if stream else signing.speech.answers())

    await signing.speech.ask(
        world,
        OPUS,
        GPT,
        stream=stream,
        messages=signing.talk(signing.turn("sig")),
        gateway={"hedge_ms": 100},
    )

    assert given_by(world, signing) == [(OPUS, ["sig"]), (GPT, [])]


@pytest.mark.parametrize("how", ["continue", "hold"])
async def test_a_model_that_takes_over_a_stream_gets_no_foreign_part(signing: Signing, how: str) -> None:
    world = world_of(signing, sig=OPUS).script(OPUS, signing.speech.breaks_off("Hel"))
    world.script(GPT, signing.speech.streams("lo."))
    talk = signing.talk(signing.turn("sig"))

    await signing.speech.ask(world, OPUS, GPT, stream=True, messages=talk, gateway={"on_midstream": how})

    assert given_by(world, signing) == [(OPUS, ["sig"]), (GPT, [])]


async def test_a_plan_shows_who_signed_and_what_each_model_does_not_get(signing: Signing) -> None:
    world = world_of(signing, opus=OPUS, grok=GROK)
    talk = signing.talk(signing.turn("grok"), signing.turn("opus", "unknown"))

    plan = await plan_of(world, signing, GPT, OPUS, messages=talk)

    assert plan["signed_by"] == OPUS
    assert [(each["model"], each["signed_parts_removed"]) for each in plan["chain"]] == [(OPUS, 1), (GPT, 2)]
    assert world.upstream.received == []


async def test_the_receipts_of_the_header_and_the_body_say_how_many_were_taken_out(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS).script(GPT, signing.speech.streams("Hello."))
    talk = signing.talk(signing.turn("sig", "sig"))

    got = await signing.speech.ask(world, GPT, stream=True, messages=talk)

    header = json.loads(got.headers["x-gateway-receipt"])
    assert [each["signed_parts_removed"] for each in header["attempts"]] == removed_by(got) == [2]
    assert header["signed_by"] == got.receipt["signed_by"] == "anthropic"


async def test_all_other_bytes_of_the_body_stay_as_they_are(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS)
    talk = signing.talk(signing.said([signing.part("sig"), signing.part(None)], "é \U0001f600 1.0"))
    others = {"temperature": 1.0, "seed": 10**30, "metadata": {"a": [1.50, "\u0001"]}}
    body = {**signing.speech.body(GPT, messages=talk), **others}
    without = signing.talk(signing.said([signing.part(None)], "é \U0001f600 1.0"))

    async def sent(messages: list[dict[str, Any]], *, ascii_only: bool) -> bytes:
        raw = json.dumps({**body, "messages": messages}, indent=2, ensure_ascii=ascii_only).encode()
        await finish(await world.begin(raw, path=signing.speech.path))
        return world.upstream.received[-1].raw

    for ascii_only in (True, False):
        cut, written = [await sent(each, ascii_only=ascii_only) for each in (talk, without)]

        assert json.loads(cut) == json.loads(written)
        assert cut.translate(None, b" \n") == written.translate(None, b" \n")


async def test_no_signature_is_in_the_log_or_in_memory(signing: Signing) -> None:
    world = world_of(signing).script(GPT, signing.refuses()).script(OPUS, signing.answers("secret-2"))

    await signing.speech.ask(world, GPT, OPUS, messages=signing.talk(signing.turn("secret-1")))

    assert "secret-" not in world.log_text
    assert not any(b"secret-" in key for key in vars(world.memory.signatures)["_makers"])


async def test_the_latest_model_of_an_author_is_of_this_author(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS)

    got = await signing.speech.ask(
        world, "~anthropic/claude-latest", messages=signing.talk(signing.turn("sig"))
    )

    assert got.status in (200, 502)
    assert given_by(world, signing)[0] == ("~anthropic/claude-latest", ["sig"])


async def test_a_router_may_have_any_author(signing: Signing) -> None:
    world = world_of(signing, sig=OPUS).script("openrouter/auto", signing.speech.answers())

    await signing.speech.ask(world, "openrouter/auto", messages=signing.talk(signing.turn("sig")))

    assert given_by(world, signing) == [("openrouter/auto", ["sig"])]
