"""What an input may cost: no more than a constant for each of its bytes, and for each value that is read."""

import copy
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from json import JSONDecoder
from math import isqrt
from re import _constants as constants  # type: ignore[attr-defined]  # its parser says what an expression is
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import gateway
from gateway.catalog.model_list import ModelList
from gateway.catalog.query import read_query
from gateway.catalog.stored_catalog import catalog_of
from gateway.dialects import signed_layout
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.chat.answer_checks import completion_in
from gateway.dialects.chat.answer_shape import shape_completion
from gateway.dialects.chat.chunk_shape import ChatChunkShape
from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.chat.parse import parse
from gateway.dialects.dialect import Dialect
from gateway.dialects.keep_alives import without_keep_alives
from gateway.dialects.messages.dialect import MESSAGES as IN_MESSAGES
from gateway.dialects.overlap import Overlap
from gateway.dialects.signed_parts import signed_parts_in
from gateway.faults.error_rows import Row
from gateway.faults.fault import AttemptFailedError
from gateway.http import json_members, long_strings
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_members import narrow_text, read_members
from gateway.http.json_values import Json, JsonObject
from gateway.http.query_string import MAX_CHARACTERS, parameters_of
from gateway.http.sse import SseDecoder, data_of
from gateway.settings.table import SETTINGS
from gateway.upstream.body_forms import BodyForms
from tests.support.chunks import DONE, STOP, chunk, event, text
from tests.support.models import model
from tests.support.upstream import fail, stream
from tests.support.work import Work, calls_of, check_growth
from tests.support.world import World, run

MAX_VALUES = int(SETTINGS["MAX_BODY_VALUES"].default)
MEGABYTE = 1_000_000
MESSAGES = b'"messages":[{"role":"user","content":"Hi"}]'
FIELD = b'{"model":"m",' + MESSAGES + b',"x":%b}'
PARTS = b'{"model":"m","messages":[{"role":"user","content":%b}]}'

SIGNED_LIST = b'{"model":"m","messages":[{"role":"assistant","reasoning_details":%b}]}'

# What a body holds very often: where, and what.
ITEMS: dict[str, tuple[bytes, bytes]] = {
    "objects": (FIELD, b"{}"),
    "arrays": (FIELD, b"[]"),
    "fields": (FIELD, b'{"a":0}'),
    "numbers": (FIELD, b"7"),
    "floats": (FIELD, b"1e5"),
    "texts": (FIELD, b'""'),
    "escapes": (FIELD, rb'"\u00e9\\\""'),
    "names with escapes": (FIELD, rb'{"\u0061":0}'),
    "nested arrays": (FIELD, b"[" * 150 + b"]" * 150),
    "files": (PARTS, b'{"type":"file"}'),
    "images": (PARTS, b'{"type":"image_url","image_url":{"url":"a"}}'),
    "texts of a message": (PARTS, b'{"type":"text","text":"a"}'),
    "types that are no words": (PARTS, b'{"type":[{}]}'),
    "signed parts": (SIGNED_LIST, b'{"signature":"s"}'),
    "signed parts, hidden by escapes": (SIGNED_LIST, rb'{"\u0073ignature":"s"}'),
    "messages": (b'{"model":"m","messages":%b}', b'{"role":"user","content":"Hi"}'),
    "tools": (b'{"model":"m",' + MESSAGES + b',"tools":%b}', b'{"type":"function"}'),
    "plugins": (b'{"model":"m",' + MESSAGES + b',"plugins":%b}', b'{"id":"web"}'),
    "modalities": (b'{"model":"m",' + MESSAGES + b',"modalities":%b}', b'"text"'),
}


def body_of(name: str, count: int) -> bytes:
    around, item = ITEMS[name]
    return around % (b"[" + b",".join([item] * count) + b"]")


def outcome_of(raw: bytes) -> str:
    try:
        parse(raw, max_values=MAX_VALUES)
    except GatewayError as error:
        return error.code
    return "accepted"


@pytest.mark.parametrize("name", ITEMS)
def test_a_body_costs_no_more_calls_than_its_values(name: str) -> None:
    raw = body_of(name, 1_000)
    marks = sum(map(raw.count, (b",", b"[", b"{")))

    assert calls_of(lambda: outcome_of(raw)) < 12 * marks + 1_000


@pytest.mark.parametrize("name", ITEMS)
def test_a_body_of_too_many_values_is_refused_before_it_is_read(name: str) -> None:
    raw = body_of(name, 60_000)

    assert outcome_of(raw) == "body_too_large"
    assert calls_of(lambda: outcome_of(raw)) < 2_000


@pytest.mark.parametrize("name", ITEMS)
def test_the_cpu_of_a_body_grows_with_its_size(name: str) -> None:
    check_growth(lambda size: lambda: outcome_of(body_of(name, size)), 1_000)


FIELD = b'{"messages":[{"role":"user"}],"'  # a body, up to the name of a field
# Bodies of very few values: what a text, a name or a number may hold.
TEXTS: dict[str, Callable[[int], bytes]] = {
    "a text": lambda size: FIELD + b'x":"' + b"lorem " * (size // 6) + b'"}',
    "marks in a text": lambda size: FIELD + b'x":"' + b"[{,:" * (size // 4) + b'"}',
    "quotes": lambda size: FIELD + b'x":"' + b'\\"' * (size // 2) + b'"}',
    "backslashes": lambda size: FIELD + b'x":"' + b"\\\\" * (size // 2) + b'"}',
    "code points": lambda size: FIELD + b'x":"' + b"\\u4f60" * (size // 6) + b'"}',
    "emoji": lambda size: FIELD + b'x":"' + "\U0001f600".encode() * (size // 4) + b'"}',
    "blanks": lambda size: b" " * size + FIELD + b'x":""}' + b"\n" * size,
    "blanks within": lambda size: FIELD + b'x"' + b" " * size + b":" + b"\t" * size + b'""}',
    "blanks that no value follows": lambda size: FIELD + b'x"' + b" " * size + b"x",
    "a name": lambda size: FIELD + b"a" * size + b'":1}',
    "a name with escapes": lambda size: FIELD + b"\\n" * size + b'":1}',
    "a name without an end": lambda size: FIELD + b"\\n" * size,
    "digits": lambda size: FIELD + b'x":0.' + b"1" * size + b"}",
    "open brackets": lambda size: FIELD + b'x":' + b"[" * size,
    "open objects": lambda size: FIELD + b'x":' + b'{"a":' * (size // 5),
    "open quotes": lambda size: FIELD + b'x":' + b'"' * size,
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_cpu_of_a_text_grows_with_its_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_strings, "TEXTS_FROM_BYTES", long_strings.LONG_BYTES)  # both are read alike

    check_growth(lambda size: lambda: outcome_of(TEXTS[name](size)), MEGABYTE)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_of_any_size_costs_few_calls(name: str) -> None:
    assert calls_of(lambda: outcome_of(TEXTS[name](MEGABYTE))) < 5_000


def count_parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the length of every JSON text that is parsed, but for the upstream's and the log's."""
    parsed: list[int] = []

    def noted(raw: bytes, **options: int) -> Json:
        parsed.append(len(raw))
        return parse_json(raw, **options)

    monkeypatch.setattr(json_members, "parse_json", noted)
    return parsed


DIRECT = {"UPSTREAMS": json.dumps({"near": {"base_url": "https://direct.example/v1"}})}
CAPPED = {
    f"task/{number}": {"models": [f"a/{number}"], "max_price": {"prompt": number, "completion": 1}}
    for number in range(1, 9)
}
ROUTES = {"TASK_ROUTES": json.dumps(CAPPED)}


@pytest.mark.parametrize(
    ("env", "models"),
    [(DIRECT, [f"direct:near/{number}" for number in range(20)]), (ROUTES, [*CAPPED])],
    ids=["direct upstreams", "price ceilings"],
)
def test_what_an_attempt_sends_is_made_once_for_all_attempts(
    env: dict[str, str], models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = count_parsed(monkeypatch)
    fields: dict[str, Any] = {"provider": {"order": ["x"] * 1_000}, "reasoning": {"effort": "low"}}

    async def parsed_for(chain: list[str]) -> int:
        world = World(env)
        for name in chain:
            number = name.rpartition("/")[2]
            world.script(number, fail(404)).script(f"a/{number}", fail(404))
        parsed.clear()
        await world.ask(*chain, stream=True, **fields)
        assert len(world.upstream.received) == len(chain)
        return sum(parsed)

    assert run(parsed_for(models)) == run(parsed_for(models[:1])) > 0


def signed_body(dialect: str, *, parts: int = 1, turns: int = 1, part_bytes: int = 10) -> bytes:
    """Return a body of so many messages, each with a text and so many parts that are signed so long."""
    part = {"signature": "s" * part_bytes, "type": "thinking", "thinking": "Hm."}
    turn = {"role": "assistant", "content": [part] * parts + [{"type": "text", "text": "Hi"}]}
    if dialect == "chat":
        turn = {"role": "assistant", "content": "Hi", "reasoning_details": [part] * parts}
    return json.dumps({"model": "m", "max_tokens": 9, "messages": [turn] * turns}).encode()


def cut(dialect: Dialect, raw: bytes) -> Work:
    def work() -> bytes:
        request = dialect.parse(raw, max_values=10**7)
        places = tuple(range(0, len(request.signed), 2))
        return bytes(BodyForms(dialect, request).without(places).for_openrouter(max_price=None))

    return work


SIGNED_BODIES: dict[str, Callable[[int, str], bytes]] = {
    "many messages": lambda size, dialect: signed_body(dialect, turns=size),
    "many parts": lambda size, dialect: signed_body(dialect, parts=size),
    "long signatures": lambda size, dialect: signed_body(dialect, parts=10, part_bytes=size * 100),
}


@pytest.mark.parametrize("dialect", [CHAT, IN_MESSAGES], ids=["chat", "messages"])
@pytest.mark.parametrize("name", SIGNED_BODIES)
def test_the_cpu_of_taking_signed_parts_out_grows_with_the_body(name: str, dialect: Dialect) -> None:
    check_growth(lambda size: cut(dialect, SIGNED_BODIES[name](size, dialect.name)), 2_000)


@pytest.mark.parametrize("dialect", [CHAT, IN_MESSAGES], ids=["chat", "messages"])
def test_a_large_body_without_signed_parts_is_searched_and_no_message_is_looked_at(dialect: Dialect) -> None:
    text = b'{"messages":[%b]}' % b",".join([b'{"role":"user","content":"%b"}' % (b"x" * 1_000)] * 10_000)
    members = read_members(text, JSONDecoder())[1]

    assert calls_of(lambda: signed_parts_in([{}] * 10_000, members, dialect.signed_form)) < 20


@pytest.mark.parametrize("dialect", [CHAT, IN_MESSAGES], ids=["chat", "messages"])
def test_the_places_of_signed_parts_are_found_once_for_all_attempts(
    dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def noted(raw: bytes) -> str:
        read.append(len(raw))
        return narrow_text(raw)

    monkeypatch.setattr(signed_layout, "narrow_text", noted)
    forms = BodyForms(dialect, dialect.parse(signed_body(dialect.name, parts=9), max_values=MAX_VALUES))
    for number in range(9):
        forms.without((number,)).for_openrouter(max_price=None)

    assert len(read) == 1


def answer_of(content: str, **fields: Json) -> bytes:
    message: JsonObject = {"role": "assistant", "content": content}
    return to_json_bytes({"choices": [{"message": message, "finish_reason": "stop"}], **fields})


def check(raw: bytes) -> object:
    test = AnswerTest(json=True, reasoning_only=False)
    try:
        return completion_in(without_keep_alives(raw), test, header=lambda _: None, now_s=0.0)
    except AttemptFailedError as failure:
        return failure.fault.code


ANSWERS: dict[str, Callable[[int], bytes]] = {
    "blanks in JSON": lambda size: answer_of('{"a":' + " " * size + "1}"),
    "blanks before a fence": lambda size: answer_of("```json" + " " * size + "{}" + "\n" * size + "```"),
    "blanks without a fence": lambda size: answer_of("x" + " \n" * size + "x"),
    "fences": lambda size: answer_of("```" * size),
    "blanks alone": lambda size: answer_of(" " * size),
    "keep-alives": lambda size: b": x\n" * size + answer_of("{}"),
    "short keep-alives": lambda size: b":\n\n \n" * size + answer_of("{}"),
    "keep-alives alone": lambda size: b":\n" * size,
    "blanks around it": lambda size: b" " * size + answer_of("{}") + b"\n" * size,
    "objects": lambda size: answer_of("{}", x=[{}] * size),
    "choices": lambda size: to_json_bytes({"choices": [{}] * size}),
    "brackets in its text": lambda size: answer_of("[" * size),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_cpu_of_an_answer_grows_with_its_size(name: str) -> None:
    check_growth(lambda size: lambda: check(ANSWERS[name](size)), 20_000)


def decode(body: bytes, piece_bytes: int) -> list[bytes | None]:
    decoder = SseDecoder()
    pieces = (body[place : place + piece_bytes] for place in range(0, len(body), piece_bytes))
    return [data_of(event) for piece in pieces for event in decoder.feed(piece)]


EVENTS: dict[str, Callable[[int], bytes]] = {
    "one event": lambda size: b"data: " + b"x" * size + b"\n\n",
    "one event without an end": lambda size: b"data: " + b"x" * size,
    "one event with CR": lambda size: b"data: \r" + b"x" * size + b"\r\r",
    "lines of data": lambda size: b"data: x\n" * (size // 8) + b"\n",
    "lines of data with CR": lambda size: b"data: x\r\n" * (size // 9) + b"\r\n",
    "empty lines of data": lambda size: b"data\n" * (size // 5) + b"\n",
    "comments": lambda size: b":\n\n" * (size // 3),
    "comments with CR": lambda size: b":\r\n\r\n" * (size // 5),
    "lines of a comment": lambda size: b": x\n" * (size // 4) + b"data: x\n\n",
    "a comment without an end": lambda size: b":" * size,
    "comments before one without an end": lambda size: b":\n\n" * 10 + b": x" + b":" * size,
    "blank lines": lambda size: b"\n" * size,
    "CR": lambda size: b"\r" * size,
    "CR and LF by turns": lambda size: b"\r\n" * (size // 2),
    "LF and CR by turns": lambda size: b"\n\r" * (size // 2),
    "colons and line ends": lambda size: b":\n" * (size // 2),
}


@pytest.mark.parametrize("piece_bytes", [64, 4_096])
@pytest.mark.parametrize("name", EVENTS)
def test_the_cpu_of_events_grows_with_their_size(name: str, piece_bytes: int) -> None:
    check_growth(lambda size: lambda: decode(EVENTS[name](size), piece_bytes), 250_000)


def test_comments_and_blank_lines_are_few_events() -> None:
    for idle in (b":\n\n", b"\n", b": x\r\n\r\n", b"\r", b"\r\n"):
        assert len(decode(idle * 10_000, 10**6)) == 1


class Relayed:
    """A stream to a client, by way of the whole core."""

    def __init__(self, *events: bytes, **options: object) -> None:
        self._events = events
        self._options = options

    def __call__(self) -> object:
        world = World().script("a/one", stream(text("Hi"), *self._events, STOP, DONE))
        return run(world.ask("a/one", "b/two", stream=True, gateway=self._options))


def call_chunk(index: int) -> JsonObject:
    call: JsonObject = {"index": index, "function": {"name": "f", "arguments": {}}}
    other: JsonObject = {"index": 1, "delta": {"content": "x"}, "finish_reason": None}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}, other]}


STREAMS: dict[str, Callable[[int], Work]] = {
    "texts": lambda size: Relayed(*[text("x" * 20)] * size),
    "texts that are collected": lambda size: Relayed(*[text("x" * 5_000)] * size, on_midstream="continue"),
    "texts that are held": lambda size: Relayed(*[text("x" * 20)] * size, on_midstream="hold"),
    "tool calls": lambda size: Relayed(*map(event, map(call_chunk, range(size)))),
    "tool calls in one event": lambda size: Relayed(
        chunk({"tool_calls": [{"index": index} for index in range(size)]})
    ),
    "choices": lambda size: Relayed(*[chunk({"content": "x"}, finish="stop")] * size),
    "signatures": lambda size: Relayed(
        *[chunk({"reasoning_details": [{"signature": "s" * 100, "index": index}]}) for index in range(size)]
    ),
    "signatures of one place": lambda size: Relayed(
        *[chunk({"reasoning_details": [{"signature": str(number), "index": 0}]}) for number in range(size)]
    ),
    "images": lambda size: Relayed(chunk({"images": [{"url": "x" * 1_000 * size}]})),
    "one event in many pieces": lambda size: Relayed(
        b'data: {"x":"', *[b"x" * 1_000] * size, b'","choices":[{"delta":{"content":"x"}}]}\n\n'
    ),
}


@pytest.mark.parametrize("name", STREAMS)
def test_the_cpu_of_a_stream_grows_with_its_size(name: str) -> None:
    check_growth(STREAMS[name], 500)


def repeat(so_far: str, new: str, piece_characters: int) -> str:
    overlap = Overlap(so_far)
    places = range(0, len(new), piece_characters)
    return "".join([overlap.take(new[place : place + piece_characters]) for place in places]) + overlap.end()


REPEATED_TEXTS: dict[str, Callable[[int], tuple[str, str]]] = {
    "all": lambda size: ("ab" * size, "ab" * size + "c"),
    "almost all": lambda size: ("a" * size + "b", "a" * size + "c"),
    "its end": lambda size: ("x" + "a" * size, "a" * size + "c"),
    "many ends": lambda size: ("aab" * size, "aab" * size + "aaa"),
    "growing runs": lambda size: ("".join("a" * n + "b" for n in range(isqrt(size))), "a" * size),
    "nothing": lambda size: ("a" * size, "b" * size),
}


@pytest.mark.parametrize("piece_characters", [1, 1_000])
@pytest.mark.parametrize("name", REPEATED_TEXTS)
def test_the_cpu_of_a_text_that_repeats_another_grows_with_its_size(name: str, piece_characters: int) -> None:
    check_growth(lambda size: lambda: repeat(*REPEATED_TEXTS[name](size), piece_characters), 4_000)


def test_the_cpu_of_a_streams_tool_calls_grows_with_their_number() -> None:
    def shape(count: int) -> None:
        chunks = ChatChunkShape({}, {"id": "gen-1", "created": 1, "model": "a/one"}, openai_usage=False)
        for index in range(count):
            chunks.shape(call_chunk(index))

    check_growth(lambda count: lambda: shape(count), 2_000)


def test_no_name_of_an_upstream_is_repeated_at_any_length() -> None:
    name = "x" * 10_000
    calls: list[Json] = [{"function": {"name": "f"}} for _ in range(100)]
    first: JsonObject = {"id": name, "model": name, "created": 1}
    answer: JsonObject = {"id": name, "choices": [{"message": {"tool_calls": copy.deepcopy(calls)}}]}
    later: JsonObject = {"choices": [{"delta": {"tool_calls": copy.deepcopy(calls)}}]}

    shape_completion(answer, always={})
    ChatChunkShape(first, {"id": "gen-1", "created": 1, "model": "a/one"}, openai_usage=False).shape(later)

    assert len(to_json_bytes(answer)) < 50_000
    assert len(to_json_bytes(later)) < 50_000


CATALOG = catalog_of(
    [model(f"author/model-{number}", name="Model") for number in range(650)], fetched_at_s=0.0
)


def outcome_of_query(query: str) -> object:
    try:
        return ModelList(CATALOG).select(read_query(parameters_of(query)))[1]
    except GatewayError as error:
        return error.code


QUERIES: dict[str, Callable[[int], str]] = {
    "words": lambda size: "q=" + "a+" * size,
    "different words": lambda size: "q=" + "+".join(map(str, range(size))),
    "escapes": lambda size: "q=" + "%20a" * size,
    "parameters that a model supports": lambda size: "supported_parameters=" + "a," * size,
    "parameters": lambda size: "&".join(f"a{number}=1" for number in range(size)),
    "empty parameters": lambda size: "&" * size,
    "modalities": lambda size: "modality=" + ",".join(map(str, range(size))),
    "digits": lambda size: "max_price=" + "1" * size,
    "a limit": lambda size: "limit=" + "1" * size,
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_any_length_costs_a_bounded_number_of_calls(name: str) -> None:
    CATALOG.models()

    for power in range(15):
        query = QUERIES[name](2**power)
        assert calls_of(partial(outcome_of_query, query)) < 40_000
    assert outcome_of_query(QUERIES[name](MAX_CHARACTERS + 1)) == "invalid_field"


def test_the_names_of_a_model_are_prepared_once_for_all_words() -> None:
    words = [*"author/model-", "au", "ut", "th", "ho", "or", "mo", "od", "de", "el", "r/m", "l-"]

    def work(count: int) -> int:
        query = "q=" + "+".join(words[:count])
        return calls_of(partial(outcome_of_query, query))

    assert outcome_of_query("q=" + "+".join(words)) == len(CATALOG)
    assert work(len(words)) - work(1) < 2 * len(words) * len(CATALOG)


def modules() -> Iterator[ModuleType]:
    """Yield every module of the core."""
    for found in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not found.name.startswith("gateway.edge"):
            yield importlib.import_module(found.name)


def patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    """Yield the regular expressions in a module's variable: itself, or within tables."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from patterns_in(each)
    elif isinstance(value, Mapping):
        yield from patterns_in([*value.values()])
    elif isinstance(value, Row):
        yield from patterns_in(value.text)


PATTERNS = sorted(
    {pattern for module in modules() for value in vars(module).values() for pattern in patterns_in(value)},
    key=lambda pattern: str(pattern.pattern),
)
REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT)
MOST_WAYS = 1_000


def ways_of(parsed: Any) -> float:  # noqa: ANN401  # a tree of the standard library's
    """Return in how many ways, at most, the repeats of an expression may be taken back for one match."""
    ways = 1.0
    for kind, value in parsed:
        if kind in REPEATS:
            _, most, inside = value
            limit = float("inf") if most is constants.MAXREPEAT else float(most) + 1
            inner = ways_of(inside)
            ways *= inner if kind is constants.POSSESSIVE_REPEAT else limit * inner
        elif kind is constants.BRANCH:
            ways *= max(ways_of(each) for each in value[1])
        elif kind is constants.SUBPATTERN:
            ways *= ways_of(value[-1])
        elif kind in (constants.ASSERT, constants.ASSERT_NOT):
            ways *= ways_of(value[1])
    return ways


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: repr(pattern.pattern)[:60])
def test_no_regular_expression_can_backtrack_far(pattern: re.Pattern[Any]) -> None:
    assert ways_of(parser.parse(pattern.pattern, pattern.flags)) <= MOST_WAYS


@pytest.mark.parametrize("bad", [r"a*b", rb"\s*$", r"(?:a|b+)*+", r"a+?", r"(?:a{0,99}){0,99}", r"(?=a*b)"])
def test_an_expression_that_can_is_found(bad: str | bytes) -> None:
    assert ways_of(parser.parse(bad)) > MOST_WAYS


def test_the_expressions_of_the_core_are_found() -> None:
    assert len(PATTERNS) > 30
