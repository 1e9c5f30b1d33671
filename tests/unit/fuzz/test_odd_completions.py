"""Whatever a caller or an upstream sends as a completion: a clear refusal, and one honest end."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from gateway.dialects.completions.dialect import COMPLETIONS
from gateway.dialects.completions.fields import FIELDS
from gateway.dialects.completions.requirements import SAYING_MORE
from gateway.dialects.openai_fields import OPENROUTERS_OWN
from gateway.dialects.requirements import PARAMETERS
from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject
from tests.support.speech import COMPLETIONS as SPEECH
from tests.support.upstream import reply, stream
from tests.support.world import Answer, World, run

CASES = int(os.environ.get("FUZZ_CASES", "200"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e308, "x", "\ud800", [], {}, [[]], [{}], ["x"], [None], [1, "x"], [[1], "x"]),
    *([{"id": ["web"], "type": {}}], {"max_price": {"prompt": []}, "require_parameters": True, "order": {}}),
)
NAMES = sorted({*FIELDS, *SAYING_MORE, *OPENROUTERS_OWN, *PARAMETERS})


def bodies() -> Iterator[JsonObject]:
    """Yield requests with one odd field each."""
    for name in NAMES:
        for value in VALUES:
            yield {"model": "a/one", "prompt": "Hi", name: value}


def test_a_value_of_any_type_is_taken_or_refused_by_name() -> None:
    faults = [error for error in map(error_of, bodies()) if error is not None]

    assert faults
    assert all(error.param for error in faults)


def error_of(body: JsonObject) -> GatewayError | None:
    """Return the error for a request; None if it is taken."""
    try:
        COMPLETIONS.parse(json.dumps(body).encode(), max_values=1_000)
    except GatewayError as error:
        return error
    return None


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "a", "stop", "error", "\ud800", 1e999]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "content", "code", "message", "cost", "tokens"]), inner, max_size=3
        )
    ),
    max_leaves=5,
)
texts = st.sampled_from(["a", "Hello", " ", "", "\u00e9\U0001f600"])
choices: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"text": texts | odd},
    optional={
        "index": st.sampled_from([0, 0, 1, -1, None, "0", 10**9]),
        "finish_reason": st.sampled_from([None, "stop", "length", "content_filter", "error", "new", 3, {}]),
        "logprobs": odd,
        "reasoning": odd,
        "delta": odd,
        "message": odd,
        "error": odd,
    },
)
payloads: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"choices": st.lists(choices | odd, max_size=3) | odd},
    optional={
        "id": odd,
        "object": odd,
        "created": odd,
        "model": odd,
        "usage": odd,
        "error": odd,
        "gateway": odd,
    },
)


def as_event(payload: Any) -> bytes:  # noqa: ANN401  # JSON of any kind
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def strictly(answer: Answer) -> list[Any]:
    """Return a stream's payloads; fail if one is no JSON."""
    lines = [line[6:] for line in answer.body.split(b"\n") if line.startswith(b"data: ")]
    return [each if each == b"[DONE]" else json.loads(each, parse_constant=refuse) for each in lines]


def refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


@seed(SEED)
@settings(max_examples=CASES, deadline=None, database=None)
@given(
    given=st.lists(payloads, max_size=5),
    complete=st.booleans(),
    how=st.sampled_from(["error", "restart", "continue", "hold"]),
)
def test_a_stream_of_odd_chunks_has_one_honest_end(given: list[Any], complete: bool, how: str) -> None:
    async def ask() -> Answer:
        events = [*map(as_event, given), *(SPEECH.closing if complete else ())]
        world = World().script("a/one", stream(*events)).script("b/two", SPEECH.streams("Two."))
        return await SPEECH.ask(world, "a/one", "b/two", stream=True, gateway={"on_midstream": how})

    found = strictly(run(ask()))

    ends = [each for each in found if each == b"[DONE]" or each.get("error")]
    assert len(ends) == 1
    assert found[-1] is ends[0]
    for each in found[:-1]:
        assert each["object"] == "text_completion"
        assert all(isinstance(choice["text"], str) for choice in each["choices"])


@seed(SEED)
@settings(max_examples=CASES, deadline=None, database=None)
@given(given=payloads, watch=st.booleans())
def test_an_odd_answer_is_brought_into_the_form_or_counts_as_failed(given: Any, watch: bool) -> None:  # noqa: ANN401  # JSON of any kind
    act = stream(as_event(given), *SPEECH.closing) if watch else reply(200, json.dumps(given).encode())

    async def ask() -> Answer:
        world = World().script("a/one", act).script("b/two", SPEECH.answers("Two."))
        return await SPEECH.ask(world, "a/one", "b/two", gateway={"watch": watch})

    answer = run(ask())

    assert answer.status == 200
    body = json.loads(answer.body, parse_constant=refuse)
    assert body["object"] == "text_completion"
    assert all(isinstance(each["text"], str) for each in body["choices"] if isinstance(each, dict))


@pytest.mark.parametrize("prompt", ["\ud800", "\u0000", 'a"b\\', "\u2028"])
def test_any_prompt_is_continued_as_it_was_sent(prompt: str) -> None:
    async def ask() -> World:
        world = World().script("a/one", SPEECH.breaks_off("a time ")).script("b/two", SPEECH.streams("x"))
        options = {"on_midstream": "continue"}
        await SPEECH.ask(world, "a/one", "b/two", stream=True, prompt=prompt, gateway=options)
        return world

    assert run(ask()).upstream.received[1].body["prompt"] == f"{prompt}a time "
