"""A watched answer is the plain answer: the same content, streamed and plain, gives the same body."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.chunks import DONE, event
from tests.support.pieces import in_pieces, stream_of
from tests.support.samples import sample, samples_named
from tests.support.upstream import Act, reply, stream
from tests.support.world import World, run

pytestmark = pytest.mark.anyio
WATCH = {"watch": True, "check_json": False, "allow_reasoning_only": True, "retries": 0}


async def body_of(act: Act, **fields: object) -> dict[str, Any]:
    got = await World().script("a/one", act).ask("a/one", gateway={**WATCH, **fields})
    assert got.status == 200, got.body
    body = got.json
    del body["gateway"]
    return body


def check_same(answer: dict[str, Any], draw: Random) -> None:
    streamed = stream(*in_pieces(stream_of(answer, draw), draw))
    plain = reply(200, json.dumps(answer).encode())

    assert run(body_of(streamed)) == run(body_of(plain, watch=False))


@pytest.mark.parametrize("name", samples_named("ok-"))
@pytest.mark.parametrize("seed", range(20))
def test_each_recorded_answer(name: str, seed: int) -> None:
    check_same(sample(name).json, Random(seed))  # noqa: S311  # not a secret


TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
ARGUMENTS = st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.none()), max_size=3).map(json.dumps)
ENTRY = st.fixed_dictionaries({
    "token": TEXT,
    "logprob": st.floats(-9, 0),
    "bytes": st.none() | st.lists(st.integers(0, 255), max_size=3),
    "top_logprobs": st.lists(st.fixed_dictionaries({"token": TEXT}), max_size=2),
})  # fmt: skip  # one field a line
LOGPROBS = st.fixed_dictionaries({
    "content": st.lists(ENTRY, min_size=1, max_size=4),
    "refusal": st.lists(ENTRY, min_size=1, max_size=2),
})  # fmt: skip  # one field a line
DETAIL = st.one_of(
    st.fixed_dictionaries({
        "type": st.just("reasoning.text"),
        "text": TEXT.filter(bool),
        "signature": TEXT.filter(bool),
        "format": st.just("anthropic-claude-v1"),
    }),
    st.fixed_dictionaries({"type": st.just("reasoning.summary"), "summary": TEXT.filter(bool), "id": TEXT}),
    st.fixed_dictionaries({"type": st.just("reasoning.encrypted"), "data": TEXT, "id": st.none() | TEXT}),
)  # fmt: skip  # one field a line
IMAGE = st.fixed_dictionaries({
    "type": st.just("image_url"),
    "image_url": st.fixed_dictionaries({"url": TEXT}),
    "index": st.integers(0, 3),
})  # fmt: skip  # one field a line
AUDIO = st.fixed_dictionaries({
    "id": TEXT.filter(bool),
    "data": st.binary(min_size=3, max_size=60).map(lambda data: data.hex()),
    "transcript": TEXT.filter(bool),
    "expires_at": st.integers(1),
})  # fmt: skip  # one field a line
ANNOTATION = st.fixed_dictionaries(
    {"type": st.just("url_citation"), "url_citation": st.dictionaries(TEXT, TEXT)}
)
UNKNOWN = st.one_of(TEXT, st.integers(), st.booleans(), st.dictionaries(TEXT, TEXT, max_size=2))


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    calls = [
        {
            "index": index,
            "id": f"call-{index}",
            "type": "function",
            "function": {"name": "f", "arguments": each},
        }
        for index, each in enumerate(draw(st.lists(ARGUMENTS, max_size=3)))
    ]
    details = [{**each, "index": index} for index, each in enumerate(draw(st.lists(DETAIL, max_size=3)))]
    optional = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "reasoning": st.none() | TEXT,
                "reasoning_content": TEXT,
                "images": st.lists(IMAGE, min_size=1, max_size=2),
                "annotations": st.lists(ANNOTATION, min_size=1, max_size=2),
                "audio": AUDIO,
                "new_field": UNKNOWN,
            },
        )
    )
    return {
        "role": "assistant",
        "content": "x" + draw(TEXT),
        "refusal": draw(st.none() | TEXT),
        **optional,
        **({"tool_calls": calls} if calls else {}),
        **({"reasoning_details": details} if details else {}),
    }


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    choices = [
        {
            "index": index,
            "message": message,
            "logprobs": draw(st.none() | LOGPROBS),
            "finish_reason": draw(
                st.sampled_from(["stop", "length", "end_turn", "MAX_TOKENS", "tool_calls"])
            ),
            **draw(
                st.fixed_dictionaries({}, optional={"native_finish_reason": TEXT, "stop_reason": UNKNOWN})
            ),
        }
        for index, message in enumerate(draw(st.lists(messages(), min_size=1, max_size=3)))
    ]
    optional = {
        "provider": TEXT,
        "system_fingerprint": st.none() | TEXT,
        "service_tier": st.none() | TEXT,
        "citations": st.lists(TEXT, min_size=1),
        "new_field": UNKNOWN,
        "usage": st.fixed_dictionaries({"prompt_tokens": st.integers(0, 99), "cost": st.floats(0, 1)}),
    }
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1_795_338_000,
        "model": "served/one",
        "choices": choices,
        **draw(st.fixed_dictionaries({}, optional=optional)),
    }


@given(answers(), st.integers())
def test_any_answer_that_is_cut_anywhere(answer: dict[str, Any], seed: int) -> None:
    check_same(answer, Random(seed))  # noqa: S311  # not a secret


CALL = {"name": "f", "arguments": '{"a":1}'}
PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}, {"type": "text", "text": "bc"}]
# A choice of a plain answer, and the choices of the chunks of the same answer.
OLD_FORMS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "a prompt": (
        {"text": "Hello", "logprobs": {"tokens": ["Hel", "lo"]}},
        [{"text": "Hel", "logprobs": {"tokens": ["Hel"]}}, {"text": "lo", "logprobs": {"tokens": ["lo"]}}],
    ),
    "a function call": (
        {"message": {"content": None, "function_call": CALL}},
        [
            {"delta": {"content": None, "function_call": {**CALL, "arguments": ""}}},
            *({"delta": {"function_call": {"arguments": each}}} for each in ('{"a"', ":1}")),
        ],
    ),
    "parts": (
        {"message": {"content": PARTS}},
        [
            {"delta": {"content": PARTS[:1]}},
            *({"delta": {"content": [{"type": "text", "text": each}]}} for each in "bc"),
        ],
    ),
    "reasoning_content": (
        {"message": {"content": "x", "reasoning_content": "aa"}},
        [*({"delta": {"reasoning_content": "a"}} for _ in "aa"), {"delta": {"content": "x"}}],
    ),
    "a call without arguments": (
        {"message": {"content": None, "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]}},
        [{"delta": {"content": None, "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]}}],
    ),
}


@pytest.mark.parametrize(("plain", "chunks"), OLD_FORMS.values(), ids=OLD_FORMS)
async def test_other_forms(plain: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
    base = {"id": "gen-1", "created": 1, "model": "m"}
    finish = {"finish_reason": "function_call", "native_finish_reason": "x"}
    streamed = [event({**base, "choices": [{"index": 0, **each}]}) for each in chunks]
    last = event({**base, "choices": [{"index": 0, "delta": {}, **finish}]})
    answer = {**base, "object": "chat.completion", "choices": [{"index": 0, **plain, **finish}]}

    got = await body_of(stream(*streamed, last, DONE))

    assert got == await body_of(reply(200, json.dumps(answer).encode()), watch=False)
