"""Tests what only chats say of signed reasoning: its format, tool calls beside it, and direct upstreams."""

import json
from typing import Any

import pytest

from gateway.memory.signatures import digest_of
from tests.support.signed import REFUSAL, USER
from tests.support.upstream import answer, fail
from tests.support.world import World

pytestmark = pytest.mark.anyio
OPUS, GPT, GROK, GEMINI = "anthropic/opus", "openai/gpt", "x-ai/grok", "google/gemini"
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
DIRECT = {"UPSTREAMS": json.dumps({"near": {"base_url": "https://direct.example/v1"}})}


def detail(signature: str, written: str | None = None, **fields: object) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": "Hm.", "signature": signature, "format": written, **fields}


def turn(*details: dict[str, Any], content: str | None = "Hi.", **fields: object) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "reasoning_details": [*details], **fields}


@pytest.mark.parametrize(
    ("written", "model"),
    [
        ("anthropic-claude-v1", OPUS),
        ("openai-responses-v1", GPT),
        ("azure-openai-responses-v1", GPT),
        ("google-gemini-v1", GEMINI),
        ("xai-responses-v1", GROK),
        ("anthropic-claude-v2", OPUS),
    ],
)
async def test_a_format_tells_the_author_of_an_unknown_signature(written: str, model: str) -> None:
    world = World().script(model, fail(503))
    others = [each for each in (GPT, OPUS, GEMINI, GROK) if each != model]

    got = await world.ask(*others, model, "a/one", messages=[USER, turn(detail("sig", written)), USER])

    first, second = (each.body["messages"][1] for each in world.upstream.received)
    assert world.upstream.models == [model, others[0]]
    assert "reasoning_details" in first
    assert second == {"role": "assistant", "content": "Hi."}
    assert got.receipt["signed_by"] == model.partition("/")[0]


@pytest.mark.parametrize("written", ["unknown", "a-new-format-v1", None, 7])
async def test_a_format_that_tells_nothing_changes_nothing(written: Any) -> None:  # noqa: ANN401  # any JSON
    world = World()

    got = await world.ask(GPT, OPUS, messages=[USER, turn(detail("sig", written)), USER])

    assert world.upstream.received[0].body["messages"][1] == turn(detail("sig", written))
    assert world.upstream.models == [GPT]
    assert "signed_by" not in got.receipt


async def test_a_signature_that_is_remembered_counts_more_than_its_format() -> None:
    world = World()
    world.memory.signatures.note(digest_of("sig"), GROK)

    await world.ask(OPUS, GROK, messages=[USER, turn(detail("sig", "anthropic-claude-v1")), USER])

    assert world.upstream.models == [GROK]


async def test_plain_reasoning_and_tool_calls_stay() -> None:
    said = turn(detail("sig", "openai-x"), content=None, reasoning="Hm.", tool_calls=[CALL])
    only_reasoning = turn(detail("sig", "openai-x"), content=None, reasoning="Hm.")
    nothing = turn(detail("sig", "openai-x"), content="", refusal=None)
    world = World()

    await world.ask(OPUS, messages=[USER, said, only_reasoning, nothing, USER])

    for each in (said, only_reasoning):
        del each["reasoning_details"]
    assert world.upstream.received[0].body["messages"] == [USER, said, only_reasoning, USER]


async def test_a_direct_upstream_has_an_author_only_if_its_name_for_the_model_has_one() -> None:
    for model, is_sent in (("direct:near/gpt", True), ("direct:near/openai/gpt", False)):
        world = World(DIRECT)

        await world.ask(model, messages=[USER, turn(detail("sig", "anthropic-claude-v1")), USER])

        assert ("reasoning_details" in world.upstream.received[0].body["messages"][1]) is is_sent


async def test_a_direct_upstream_that_refuses_a_signature_is_asked_without_it() -> None:
    world = World(DIRECT).script("gpt", fail(400, REFUSAL), answer())
    fields: dict[str, Any] = {"provider": {"order": ["x"]}, "session_id": "s-1"}

    got = await world.ask("direct:near/gpt", "a/one", messages=[USER, turn(detail("sig")), USER], **fields)

    bodies = [each.body for each in world.upstream.received]
    assert [len(body["messages"][1].get("reasoning_details", [])) for body in bodies] == [1, 0]
    assert not any(name in body for body in bodies for name in fields)
    assert got.codes == ["foreign_signature", None]


async def test_a_session_is_named_in_the_shorter_body_too() -> None:
    world = World()
    messages = [USER, turn(detail("sig", "anthropic-claude-v1")), USER]

    await world.ask(GPT, messages=messages, prompt_cache_key="s-1")

    assert world.upstream.received[0].body["session_id"] == "s-1"


async def test_a_name_that_is_written_with_escapes_hides_no_part() -> None:
    world = World()
    text = json.dumps({"model": GPT, "messages": [USER, turn(detail("sig", "anthropic-claude-v1")), USER]})
    hidden = text.replace('"signature"', r'"\u0073ignature"').replace('"reasoning_d', r'"\u0072easoning_d')

    await world.begin(hidden.encode())

    assert world.upstream.received[0].body["messages"][1] == {"role": "assistant", "content": "Hi."}
