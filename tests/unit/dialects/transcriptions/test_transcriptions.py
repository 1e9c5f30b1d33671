"""Which requests for transcriptions are accepted, in JSON and in a form, and which answers are usable."""

import gzip
import json
import tracemalloc

import pytest

from gateway.dialects.answer_test import AnswerTest, Expected
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.dialects.transcriptions.dialect import TRANSCRIPTIONS, FormTranscriptions
from gateway.faults.fault import AttemptFailedError
from gateway.http.errors import GatewayError
from tests.support.speech import TRANSCRIPTIONS as SPEECH
from tests.support.upstream import fail
from tests.support.world import TOKEN, Answer, World, finish

AUDIO = {"data": "UklGRg==", "format": "wav"}
TYPE = "multipart/form-data; boundary=b0undary"
FILE = b"RIFF" + bytes(range(256))


def parsed(**fields: object) -> ModelRequest:
    body = {"model": "a/one", "input_audio": AUDIO, **fields}
    return TRANSCRIPTIONS.parse(json.dumps(body).encode(), max_values=1_000)


def form(*fields: tuple[str, str | bytes], file: bytes | None = FILE) -> bytes:
    """Return a form with these fields and a file."""
    pieces = []
    for name, value in fields:
        text = value.encode() if isinstance(value, str) else value
        pieces.append(
            b'--b0undary\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name.encode(), text)
        )
    if file is not None:
        head = b'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        pieces += [head, file, b"\r\n"]
    return b"".join((*pieces, b"--b0undary--\r\n"))


def parsed_form(*fields: tuple[str, str | bytes], file: bytes | None = FILE) -> ModelRequest:
    return FormTranscriptions(TYPE).parse(form(*fields, file=file), max_values=1_000)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"input_audio": None}, "missing_field", "input_audio"),
        ({"input_audio": "x"}, "invalid_field", "input_audio"),
        ({"input_audio": {"data": "x"}}, "invalid_field", "input_audio.format"),
        ({"input_audio": {"format": "wav"}}, "invalid_field", "input_audio.data"),
        ({"input_audio": {"data": "", "format": "wav"}}, "invalid_field", "input_audio.data"),
        ({"response_format": "srt"}, "invalid_field", "response_format"),
        ({"temperature": "0"}, "invalid_field", "temperature"),
        ({"stream": True}, "invalid_field", "stream"),
        ({"gateway": {"x": 1}}, "unknown_option", "gateway.x"),
        ({"base_url": "x"}, "refused_field", "base_url"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], code: str, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)

    assert (caught.value.code, caught.value.param) == (code, param)


MODEL = ("model", "a/one")


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ([MODEL, MODEL], "invalid_field", "model"),
        ([("model", "a one")], "invalid_field", "model"),
        ([("model", b"\xff")], "invalid_body", "body"),
        ([("model[]", "a/one")], "invalid_field", "model"),
        ([("models", "a/one")], "invalid_field", "models"),
        ([("models", '"a/one"')], "invalid_field", "models"),
        ([("models", '["a/one"]'), ("models[]", "b/two")], "invalid_field", "models"),
        ([MODEL, ("models", '["a/one"],"model":"b/two"')], "invalid_field", "models"),
        ([MODEL, ("gateway", "{")], "invalid_field", "gateway"),
        ([MODEL, ("gateway", '{"x": 1}')], "unknown_option", "gateway.x"),
        ([MODEL, ("gateway", '{"order": "auto", "order": "cheapest"}')], "invalid_json", "order"),
        ([MODEL, ("gateway[deadline_ms]", "1000")], "invalid_field", "gateway"),
        ([MODEL, ("temperature", "warm")], "invalid_field", "temperature"),
        ([MODEL, ("temperature", "NaN")], "invalid_field", "temperature"),
        ([MODEL, ("response_format", "vtt")], "invalid_field", "response_format"),
        ([MODEL, ("stream", "true")], "invalid_field", "stream"),
        ([MODEL, ("input_audio", "x")], "invalid_field", "input_audio"),
        ([MODEL, ("file", "x")], "invalid_field", "file"),
        ([MODEL, ("api_key", "x")], "refused_field", "api_key"),
        ([MODEL, ("no\u00e4me<script>", "1"), ("no\u00e4me<script>", "2")], "invalid_field", "…"),
    ],
)
def test_a_wrong_part_is_named(fields: list[tuple[str, str]], code: str, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed_form(*fields)

    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize(("file", "code"), [(None, "missing_field"), (b"", "invalid_field")])
def test_a_form_needs_a_file(file: bytes | None, code: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed_form(MODEL, file=file)

    assert (caught.value.code, caught.value.param) == (code, "file")


def test_a_model_that_looks_like_a_file_is_refused() -> None:
    raw = form(file=FILE).replace(b'name="file"', b'name="model"')

    with pytest.raises(GatewayError, match="not a file"):
        FormTranscriptions(TYPE).parse(raw, max_values=1_000)


@pytest.mark.parametrize(
    "fields", [[("models", '["a/one", "b/two"]')], [("models[]", "a/one"), ("models[]", "b/two")]]
)
def test_a_form_names_models_as_json_or_one_by_one(fields: list[tuple[str, str]]) -> None:
    request = parsed_form(*fields, ("gateway", '{"retries": 0}'), ("temperature", "0.5"), ("stream", "false"))

    assert request.models == ("a/one", "b/two")
    assert request.options.retries == 0


def test_a_recording_needs_a_model_that_hears_and_its_cost_is_unknown() -> None:
    for request in (parsed(), parsed_form(MODEL)):
        assert request.requirements.inputs == {"audio"}
        assert request.requirements.outputs == {"transcription"}
        assert request.requirements.has_fees


def read(payload: object) -> Completion:
    test = AnswerTest(json=False, reasoning_only=False, expected=Expected())
    raw = json.dumps(payload).encode()
    return TRANSCRIPTIONS.read_answer(raw, test, header=lambda _: None, now_s=0.0)


@pytest.mark.parametrize("text", ["Hello.", "", "long " * 100_000])
def test_a_text_is_an_answer_also_an_empty_one(text: str) -> None:
    assert "text" in read({"text": text}).payload


@pytest.mark.parametrize("payload", [{}, {"text": None}, {"text": ["a"]}, []])
def test_an_answer_without_a_text_is_none(payload: object) -> None:
    with pytest.raises(AttemptFailedError):
        read(payload)


async def send(world: World, raw: bytes, **headers: str) -> Answer:
    given = {"authorization": f"Bearer {TOKEN}", "content-type": TYPE, **headers}
    return await finish(await world.begin(raw, path=SPEECH.path, headers=given))


@pytest.mark.anyio
async def test_the_next_model_gets_the_same_file_under_its_own_name() -> None:
    world = World()
    world.upstream.scripts |= {"a/one": (fail(503),), "b/two": (SPEECH.answers("Hello."),)}
    answer = await send(
        world, form(("models", '["a/one","b/two"]'), ("gateway", '{"retries":0}'), ("language", "en"))
    )

    assert (answer.status, answer.json["text"]) == (200, "Hello.")
    assert answer.json["gateway"]["served"] == "b/two"
    assert world.upstream.models == ["a/one", "b/two"]
    for sent in world.upstream.received:
        assert sent.headers["content-type"] == 'multipart/form-data; boundary="b0undary"'
        assert sent.raw.count(b"\r\n\r\n" + FILE + b"\r\n--b0undary") == 1
        assert sent.body.keys() == {"model", "language", "file"}


@pytest.mark.anyio
async def test_a_compressed_form_is_decoded() -> None:
    world = World()
    world.upstream.scripts["a/one"] = (SPEECH.answers("Hello."),)
    answer = await send(world, gzip.compress(form(MODEL)), **{"content-encoding": "gzip"})

    assert answer.status == 200


@pytest.mark.anyio
async def test_a_form_that_is_not_valid_is_a_400_without_a_call() -> None:
    world = World()
    answer = await send(world, form(MODEL)[:-6])

    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_body")
    assert world.upstream.models == []


@pytest.mark.anyio
@pytest.mark.parametrize(("limit", "status"), [(1_000, 413), (2_000, 200)])
async def test_a_recording_has_a_limit_of_its_own(limit: int, status: int) -> None:
    world = World({"MAX_BODY_BYTES": "10", "MAX_AUDIO_BYTES": str(limit)})
    world.upstream.scripts["a/one"] = (SPEECH.answers("Hello."),)
    answer = await send(world, form(MODEL, file=b"x" * 1_500))

    assert answer.status == status
    assert status == 200 or "MAX_AUDIO_BYTES" in answer.json["error"]["message"]


@pytest.mark.anyio
async def test_an_answer_for_a_form_is_not_cached() -> None:
    world = World()
    world.upstream.scripts["a/one"] = (SPEECH.answers("one"), SPEECH.answers("two"))
    cached = ("gateway", '{"cache_ttl_s": 60}')
    texts = []
    for file in (b"1", b"2"):
        texts.append((await send(world, form(MODEL, cached, file=file))).json["text"])
        await world.let_run()

    assert texts == ["one", "two"]


def test_a_large_file_is_copied_once_for_each_model() -> None:
    raw = form(MODEL, file=b"x" * 8_000_000)
    tracemalloc.start()
    request = FormTranscriptions(TYPE).parse(raw, max_values=1_000)
    assert request.form is not None
    assert tracemalloc.get_traced_memory()[1] < 500_000
    body = b"".join(request.form.with_model("a/one"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < len(body) + 500_000


def test_both_kinds_of_tokens_are_counted() -> None:
    tokens = TRANSCRIPTIONS.tokens_of({"seconds": 9.2, "input_tokens": 83, "output_tokens": 30})

    assert (tokens.prompt, tokens.completion, tokens.are_stated) == (83, 30, True)
