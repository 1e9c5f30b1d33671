"""Completions: which requests are accepted, which answers are usable, and what becomes of a stream."""

import json
from typing import Any

import pytest

from gateway.dialects.completions.dialect import COMPLETIONS
from gateway.dialects.model_request import ModelRequest
from gateway.http.errors import GatewayError
from tests.support.chunks import DONE, event
from tests.support.speech import COMPLETIONS as SPEECH
from tests.support.upstream import reply, stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio


def parsed(**fields: object) -> ModelRequest:
    return COMPLETIONS.parse(json.dumps({"model": "a/one", **fields}).encode(), max_values=1_000)


@pytest.mark.parametrize(
    ("fields", "answers"),
    [
        ({"prompt": "a"}, 1),
        ({"prompt": ""}, 1),
        ({"prompt": ["a", "b"]}, 2),
        ({"prompt": [1, 2, 3]}, 1),
        ({"prompt": [[1], [2, 3]]}, 2),
        ({"prompt": ["a", "b"], "n": 3}, 6),
        ({"prompt": "a", "n": 2, "best_of": 5}, 5),
    ],
)
def test_how_many_answers_are_paid_for(fields: dict[str, object], answers: int) -> None:
    assert parsed(**fields).choices == answers


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({}, "missing_field", "prompt"),
        ({"prompt": None}, "missing_field", "prompt"),
        ({"messages": [{"role": "user", "content": "a"}]}, "missing_field", "prompt"),
        ({"prompt": 1}, "invalid_field", "prompt"),
        ({"prompt": []}, "invalid_field", "prompt"),
        ({"prompt": {}}, "invalid_field", "prompt"),
        ({"prompt": ["a", 1]}, "invalid_field", "prompt"),
        ({"prompt": [1, [1]]}, "invalid_field", "prompt"),
        ({"prompt": [True]}, "invalid_field", "prompt"),
        ({"prompt": [1.5]}, "invalid_field", "prompt"),
        ({"prompt": [[1], []]}, "invalid_field", "prompt[1]"),
        ({"prompt": [[1], ["a"]]}, "invalid_field", "prompt[1]"),
        ({"prompt": "a", "suffix": 1}, "invalid_field", "suffix"),
        ({"prompt": "a", "echo": 1}, "invalid_field", "echo"),
        ({"prompt": "a", "best_of": "2"}, "invalid_field", "best_of"),
        ({"prompt": "a", "logprobs": True}, "invalid_field", "logprobs"),
        ({"prompt": "a", "max_tokens": "9"}, "invalid_field", "max_tokens"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], code: str, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)

    assert (caught.value.code, caught.value.param) == (code, param)


def test_who_sends_messages_is_told_where_they_go() -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(messages=[])

    assert "/v1/chat/completions" not in caught.value.message
    with pytest.raises(GatewayError) as caught:
        parsed(messages=[{"role": "user"}])
    assert "/v1/chat/completions" in caught.value.message


def test_a_plugin_counts_as_in_a_chat() -> None:
    requirements = parsed(prompt="a", plugins=[{"id": "web"}]).requirements

    assert (requirements.extras, requirements.has_fees) == (frozenset({"web"}), True)


def test_all_parameters_can_be_required() -> None:
    fields = {"provider": {"require_parameters": True}, "logprobs": 2, "seed": 1, "stop": None, "suffix": "x"}

    assert set(parsed(prompt="a", **fields).requirements.parameters) == {"logprobs", "seed"}


@pytest.mark.parametrize(
    ("prompt", "in_parts"), [("a", False), ([1, 2], False), (["a"], False), (["a", "b"], True)]
)
def test_several_prompts_need_a_context_for_the_longest_alone(prompt: object, in_parts: bool) -> None:
    assert parsed(prompt=prompt).requirements.is_in_parts is in_parts


def test_reasoning_can_be_turned_off() -> None:
    assert parsed(prompt="a", reasoning={"enabled": False}).requirements.reasoning is False


def choice(text: str | None, finish: str | None = None, **fields: object) -> dict[str, object]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish, **fields}


def body(*choices: dict[str, object]) -> bytes:
    return json.dumps({**SPEECH.plain("x"), "choices": [*choices]}).encode()


async def ask_plain(*choices: dict[str, object], **options: object) -> Answer:
    world = World().script("a/one", reply(200, body(*choices)))
    return await SPEECH.ask(world, "a/one", gateway={"retries": 0, **options})


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ([], "no_choices"),
        ([choice("", "stop")], "empty_answer"),
        ([choice(None, "stop")], "empty_answer"),
        ([choice("", "content_filter")], "filtered_answer"),
        ([choice("", "error")], "provider_error"),
        ([choice("", "stop", reasoning="hm")], "reasoning_only"),
        ([choice("x", None, error={"code": 429, "message": "slow"})], "rate_limited"),
    ],
)
async def test_what_is_no_usable_answer(given: list[dict[str, object]], code: str) -> None:
    answer = await ask_plain(*given)

    assert answer.codes == [code]


@pytest.mark.parametrize(
    "given",
    [[choice("\n", "stop")], [choice("", "length")], [choice("", "stop"), choice("x", "stop", index=1)]],
)
async def test_white_space_and_a_limit_are_answers(given: list[dict[str, object]]) -> None:
    assert (await ask_plain(*given)).status == 200


async def test_an_answer_in_the_form_of_a_chat_becomes_a_text() -> None:
    message = {"role": "assistant", "content": "Hello."}
    chat = {"object": "chat.completion", "choices": [{"message": message, "finish_reason": "end_turn"}]}
    world = World().script("a/one", reply(200, json.dumps(chat).encode()))

    answer = await SPEECH.ask(world, "a/one")

    (found,) = answer.json["choices"]
    assert (found["text"], found["finish_reason"], found["native_finish_reason"]) == (
        "Hello.",
        "stop",
        "end_turn",
    )
    assert (found["index"], found["logprobs"]) == (0, None)
    assert answer.json["object"] == "text_completion"


async def streamed(*events: bytes, models: tuple[str, ...] = ("a/one",), **fields: Any) -> Answer:  # noqa: ANN401  # of a body
    world = World().script("a/one", stream(*events)).script("b/two", SPEECH.streams("Two."))
    return await SPEECH.ask(world, *models, stream=True, **fields)


async def test_a_stream_commits_at_its_first_text_even_if_it_is_blank() -> None:
    answer = await streamed(SPEECH.text("\n"), models=("a/one", "b/two"))

    assert SPEECH.texts_in(answer.events) == "\n"
    assert not SPEECH.is_complete(answer.events)
    assert answer.receipt["attempts"][0]["code"] == "no_finish_reason"


async def test_a_stream_without_a_text_is_followed_by_the_next_model() -> None:
    answer = await streamed(SPEECH.text(""), *SPEECH.closing, models=("a/one", "b/two"))

    assert SPEECH.texts_in(answer.events) == "Two."


async def test_a_stream_that_reports_an_error_ends_in_one() -> None:
    failed = event({"error": {"code": 502, "message": "x"}, "choices": [choice("", "error")]})
    answer = await streamed(SPEECH.text("Hel"), failed)

    assert SPEECH.error_in(answer.events) is not None
    last = answer.events[-1]
    assert last["object"] == "text_completion"
    assert last["choices"] == [choice("", "error")]


async def test_the_usage_comes_in_the_form_that_was_asked_for() -> None:
    plain = await streamed(SPEECH.text("x"), *SPEECH.closing)
    openais = await streamed(SPEECH.text("x"), *SPEECH.closing, stream_options={"include_usage": True})

    assert plain.events[-2]["choices"] == [choice("")]
    assert openais.events[-2]["choices"] == []
    assert plain.events[-2]["gateway"]["served"] == "a/one"


async def test_events_that_need_no_change_pass_byte_for_byte() -> None:
    odd = SPEECH.text("Hel").replace(b'"text": "Hel"', b'"text" :  "Hel", "x": 1e2')
    answer = await streamed(odd, *SPEECH.closing)

    assert odd in answer.body


async def test_a_missing_end_is_added_once_the_text_has_finished() -> None:
    answer = await streamed(SPEECH.text("x"), SPEECH.closing[0])

    assert answer.body.endswith(DONE)


@pytest.mark.parametrize("prompt", ["Once upon ", 'quote " and \u00e9 '])
async def test_a_text_that_is_cut_off_is_continued_by_a_longer_prompt(prompt: str) -> None:
    world = (
        World().script("a/one", SPEECH.breaks_off("a time ")).script("b/two", SPEECH.streams("there was."))
    )

    answer = await SPEECH.ask(
        world, "a/one", "b/two", stream=True, prompt=prompt, gateway={"on_midstream": "continue"}
    )

    assert SPEECH.texts_in(answer.events) == "a time there was."
    assert SPEECH.is_complete(answer.events)
    assert world.upstream.received[1].body["prompt"] == f"{prompt}a time "


async def test_a_longer_prompt_that_is_refused_is_not_sent_again() -> None:
    world = World().script("a/one", SPEECH.breaks_off("a time ")).script("b/two", SPEECH.fails(400))
    world.script("c/three", SPEECH.streams("there was."))

    answer = await SPEECH.ask(
        world, "a/one", "b/two", "c/three", stream=True, gateway={"on_midstream": "continue"}
    )

    assert SPEECH.texts_in(answer.events) == "a time there was."
    assert world.upstream.models == ["a/one", "b/two", "c/three"]


async def test_what_the_next_model_repeats_is_left_out() -> None:
    world = World().script("a/one", SPEECH.breaks_off("there was a king"))
    world.script("b/two", SPEECH.streams("there was", " a king", " and a queen."))

    answer = await SPEECH.ask(world, "a/one", "b/two", stream=True, gateway={"on_midstream": "continue"})

    assert SPEECH.texts_in(answer.events) == "there was a king and a queen."


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": ["a"]},
        {"prompt": [1]},
        {"n": 2},
        {"best_of": 2},
        {"suffix": "x"},
        {"echo": True},
        {"logprobs": 1},
    ],
)
async def test_only_one_text_of_one_prompt_is_continued(fields: dict[str, Any]) -> None:
    world = World().script("a/one", SPEECH.breaks_off("a time ")).script("b/two", SPEECH.streams("x"))
    if fields.get("prompt") == ["a"]:
        fields["prompt"] = ["a", "b"]

    answer = await SPEECH.ask(
        world, "a/one", "b/two", stream=True, gateway={"on_midstream": "continue"}, **fields
    )

    assert SPEECH.error_in(answer.events) is not None
    assert world.upstream.models == ["a/one"]


async def test_a_stream_that_is_cut_off_starts_over_with_a_marker() -> None:
    world = World().script("a/one", SPEECH.breaks_off("Hel")).script("b/two", SPEECH.streams("Two."))

    answer = await SPEECH.ask(world, "a/one", "b/two", stream=True, gateway={"on_midstream": "restart"})

    marker = next(each for each in answer.events if each != "[DONE]" and each["choices"] == [])
    assert (marker["object"], marker["gateway"]["event"]) == ("text_completion", "restart")
    assert SPEECH.texts_in(answer.events) == "HelTwo."


async def test_a_watched_answer_joins_texts_and_logprobs() -> None:
    pieces = [
        choice("Hel", logprobs={"tokens": ["Hel"], "token_logprobs": [-0.5], "text_offset": [0]}),
        choice("lo", "stop", logprobs={"tokens": ["lo"], "token_logprobs": [-0.25], "text_offset": [3]}),
    ]
    frame = {"id": "gen-1", "object": "text_completion", "created": 1, "model": "m"}
    events = [event({**frame, "choices": [each]}) for each in pieces]
    world = World().script("a/one", stream(*events, DONE))

    answer = await SPEECH.ask(world, "a/one", gateway={"watch": True})

    (found,) = answer.json["choices"]
    assert (answer.json["object"], found["text"]) == ("text_completion", "Hello")
    assert found["logprobs"] == {
        "tokens": ["Hel", "lo"],
        "token_logprobs": [-0.5, -0.25],
        "text_offset": [0, 3],
    }


async def test_defaults_apply_as_in_a_chat() -> None:
    world = World({"DEFAULT_MODEL": "a/one"}).script("a/one", SPEECH.answers("x"))

    answer = await SPEECH.ask(world)

    assert answer.receipt["served"] == "a/one"


async def test_a_chat_may_have_a_prompt_and_gets_message_and_text() -> None:
    world = World().script("a/one", SPEECH.answers("Hello."))

    answer = await world.ask("a/one", messages=None, prompt="Hi")

    (found,) = answer.json["choices"]
    assert world.upstream.received[0].path == "/api/v1/chat/completions"
    assert (found["text"], found["message"]["content"]) == ("Hello.", "Hello.")
