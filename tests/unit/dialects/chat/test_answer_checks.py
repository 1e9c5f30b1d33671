import pytest

from gateway.dialects.chat.answer_checks import has_progress
from gateway.dialects.chat.chunk_form import CHUNKS
from gateway.dialects.event_facts import inspect_event
from gateway.faults.fault import AttemptFailedError
from gateway.http.json_values import Json, JsonObject
from tests.support.samples import samples_named
from tests.support.upstream import Act, answer, recorded, reply
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio


async def only(act: Act) -> Answer:
    return await World().script("a/one", act).ask("a/one", gateway={"retries": 0})


def with_choice(finish: str | None = "stop", error: Json = None, **message: Json) -> Act:
    choice: JsonObject = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return answer(choices=[choice | ({"error": error} if error else {})])


def text_reply(body: bytes, content_type: str = "application/json") -> Act:
    return reply(200, body, content_type=content_type)


@pytest.mark.parametrize("name", samples_named("ok-"))
async def test_a_recorded_answer_is_accepted(name: str) -> None:
    assert (await only(recorded(name))).codes == [None]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("soft-01-200-error-only", "provider_error"),
        ("soft-02-200-choice-error-partial", "provider_error"),
        ("soft-03-200-empty-choices", "no_choices"),
        ("soft-04-200-stop-zero-tokens-leading-ws", "empty_answer"),
    ],
)
async def test_a_recorded_200_without_an_answer_fails_the_attempt(name: str, code: str) -> None:
    assert (await only(recorded(name))).codes == [code]


ANSWER = b'{"choices":[{"message":{"content":"x"}}]}'
CALL: Json = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(with_choice(content=None, tool_calls=[CALL], finish="tool_calls"), id="a tool call"),
        pytest.param(with_choice(content="", refusal="I will not."), id="a refusal"),
        pytest.param(
            with_choice(content="", images=[{"type": "image_url", "image_url": {"url": "x"}}]), id="an image"
        ),
        pytest.param(with_choice(content=None, audio={"id": "a", "data": "x"}), id="audio"),
        pytest.param(with_choice("length", content="", reasoning="Let me"), id="cut off while it reasons"),
        pytest.param(with_choice("length", content=""), id="cut off at once by the caller's limit"),
        pytest.param(with_choice("content_filter", content="Half"), id="filtered, with text"),
        pytest.param(with_choice(None, content="Hello"), id="without a finish reason"),
        pytest.param(
            text_reply(b'\n \n {"choices":[{"message":{"content":"x"}}]}\n'), id="surrounded by white space"
        ),
    ],
)
async def test_a_body_with_content_is_an_answer(act: Act) -> None:
    got = await only(act)

    assert got.status == 200
    assert got.codes == [None]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(with_choice(content=""), "empty_answer", id="empty text"),
        pytest.param(with_choice(content=" \n"), "empty_answer", id="blank text"),
        pytest.param(with_choice(content=None, tool_calls=[]), "empty_answer", id="no tool calls"),
        pytest.param(with_choice("content_filter", content=""), "filtered_answer", id="filtered"),
        pytest.param(with_choice("error", content="Half"), "provider_error", id="finish reason error"),
        pytest.param(with_choice(content="Half", error={"code": 429}), "rate_limited", id="a choice's error"),
        pytest.param(answer(choices=None), "no_choices", id="choices: null"),
        pytest.param(answer(choices={}), "no_choices", id="choices: {}"),
        pytest.param(answer(error={"code": 429, "message": "x"}), "rate_limited", id="an error and choices"),
        pytest.param(answer(error="words"), "provider_error", id="an error that is a string"),
        pytest.param(text_reply(b""), "not_json", id="nothing"),
        pytest.param(text_reply(b'{"choices":[{"mess'), "not_json", id="truncated JSON"),
        pytest.param(text_reply(b"[1]"), "not_json", id="an array"),
        pytest.param(text_reply(b"[" * 100_000), "not_json", id="nested too deeply"),
        pytest.param(text_reply(b": OPENROUTER PROCESSING\n\n"), "not_json", id="only comments"),
        pytest.param(text_reply(b"<html>", "text/html"), "wrong_content_type", id="HTML"),
        pytest.param(text_reply(b"data: {}\n\n", "text/event-stream"), "wrong_content_type", id="a stream"),
        pytest.param(text_reply(b"<html>", "Text/HTML"), "wrong_content_type", id="HTML in capitals"),
    ],
)
async def test_a_body_without_an_answer_fails_the_attempt(act: Act, code: str) -> None:
    assert (await only(act)).codes == [code]


async def test_one_good_choice_of_several_is_enough() -> None:
    good = {"index": 1, "message": {"content": "x"}, "finish_reason": "stop"}
    empty = {"index": 0, "message": {"content": ""}, "finish_reason": "stop"}

    assert (await only(answer(choices=[empty, good]))).codes == [None]


@pytest.mark.parametrize(
    ("delta", "progress"),
    [
        ({"content": "x"}, True),
        ({"content": " "}, True),
        ({"reasoning": "x"}, True),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, True),
        ({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}, True),
        ({"images": [{"image_url": {"url": "x"}}]}, True),
        ({"refusal": "x"}, True),
        ({"content": [{"type": "text", "text": "x"}]}, True),
        ({"content": [{"type": "text", "text": ""}]}, False),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "", "index": 0}]}, False),
        ({"tool_calls": [{"index": 0, "id": "call_1", "type": "function"}]}, False),
        ({"images": [{}]}, False),
        ({"role": "assistant", "content": ""}, False),
        ({"role": "assistant"}, False),
        ({"content": None, "tool_calls": []}, False),
        ({}, False),
        (None, False),
        ("text", False),
    ],
    ids=repr,
)
def test_any_content_of_a_delta_is_progress(delta: Json, progress: bool) -> None:
    assert has_progress(delta) is progress


def no_header(_: str) -> str | None:
    return None


def delta_event(delta: Json, finish: Json = None, **fields: Json) -> JsonObject:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}


@pytest.mark.parametrize(
    ("payload", "finish"),
    [
        (delta_event({"content": ""}, "stop"), "stop"),
        (delta_event({"content": "x"}, "tool_calls"), "tool_calls"),
        (delta_event({"content": "x"}), None),
        ({"choices": []}, None),
        ({}, None),
    ],
    ids=repr,
)
def test_the_finish_reason_of_an_event_is_found(payload: JsonObject, finish: str | None) -> None:
    assert inspect_event(payload, form=CHUNKS, header=no_header, now_s=0).finish == finish


@pytest.mark.parametrize(
    "payload",
    [
        {"error": {"code": 500}},
        {"error": "words"},
        {"choices": [], "error": {"message": "The operation was aborted"}},
        delta_event({"content": ""}, "error"),
        {"choices": [{"delta": {}, "error": {"code": 500}}]},
    ],
    ids=repr,
)
def test_an_event_with_an_error_raises(payload: JsonObject) -> None:
    with pytest.raises(AttemptFailedError):
        inspect_event(payload, form=CHUNKS, header=no_header, now_s=0)


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\xef\xbb\xbf", b""), (b": x\n:\n\n \t\r\n: y\r\n", b" \n"), (b"\n" * 1_000, b"\n"), (b":\n", b"")],
)
async def test_keep_alives_around_an_answer_are_no_part_of_it(before: bytes, after: bytes) -> None:
    got = await only(text_reply(before + ANSWER + after))

    assert got.codes == [None]
    assert got.body.startswith(b'{"')
