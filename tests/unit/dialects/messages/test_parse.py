"""Tests how the body of a Messages request is read and checked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.messages.fields import FIELDS
from gateway.dialects.messages.parse import parse
from gateway.dialects.prompt_tokens import IMAGE_TOKENS_LIKELY
from gateway.dialects.requirements import PARAMETERS, Requirements
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject

HELLO: Json = [{"role": "user", "content": "Hi"}]
SCHEMA: JsonObject = {"type": "json_schema", "schema": {"type": "object"}}
IMAGE: JsonObject = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "A" * 9_000},
}
PDF: JsonObject = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 9_000},
}


def body(**fields: Json) -> bytes:
    return json.dumps({"messages": HELLO, **fields}).encode()


def refusal(raw: bytes) -> tuple[str, str | None]:
    with pytest.raises(GatewayError) as caught:
        parse(raw)
    assert caught.value.kind.source == "client"
    return caught.value.code, caught.value.param


def requires(**fields: Json) -> Requirements:
    return parse(body(**fields)).requirements


def with_blocks(*blocks: Json) -> Requirements:
    return requires(messages=[{"role": "user", "content": [*blocks]}])


def test_the_fields_go_on_as_they_were_written_without_the_gateways_own() -> None:
    messages = b'"messages":[{"role":"user","content":"\\u00fc\xc3\xbc"}]'
    raw = b'{"model": "a/b", "max_tokens":  1e3,%b, "gateway": {}, "x":1.50}' % messages

    assert parse(raw).fields.text == b'"max_tokens":  1e3,%b,"x":1.50' % messages


@pytest.mark.parametrize(
    ("fields", "models"),
    [
        ({}, ()),
        ({"model": "a/b"}, ("a/b",)),
        ({"model": "a/b", "models": ["c/d", "a/b"]}, ("a/b", "c/d")),
        ({"model": "a/b", "fallbacks": [{"model": "c/d"}, {"model": "a/b"}]}, ("a/b", "c/d")),
        ({"fallbacks": [{"model": "c/d"}], "models": None}, ("c/d",)),
        ({"models": ["c/d"], "fallbacks": None}, ("c/d",)),
    ],
    ids=str,
)
def test_the_chain_is_the_model_and_what_follows_it(fields: JsonObject, models: tuple[str, ...]) -> None:
    request = parse(body(**fields))

    assert request.models == models
    assert b"fallbacks" not in request.fields.text
    assert b"models" not in request.fields.text


@pytest.mark.parametrize(
    ("raw", "code", "param"),
    [
        (b"{}", "missing_field", "messages"),
        (body(messages=None), "missing_field", "messages"),
        (body(messages=[]), "invalid_field", "messages"),
        (body(messages={}), "invalid_field", "messages"),
        (body(messages=["x"]), "invalid_field", "messages[0]"),
        (body(messages=[{"content": "x"}]), "invalid_field", "messages[0].role"),
        (body(max_tokens=0), "invalid_field", "max_tokens"),
        (body(max_tokens=-1), "invalid_field", "max_tokens"),
        (body(max_tokens=1.5), "invalid_field", "max_tokens"),
        (body(max_tokens="1"), "invalid_field", "max_tokens"),
        (body(max_tokens=True), "invalid_field", "max_tokens"),
        (body(max_tokens=10**9), "invalid_field", "max_tokens"),
        (body(stream="true"), "invalid_field", "stream"),
        (body(system=1), "invalid_field", "system"),
        (body(tools={}), "invalid_field", "tools"),
        (body(metadata="x"), "invalid_field", "metadata"),
        (body(thinking=True), "invalid_field", "thinking"),
        (body(stop_sequences="x"), "invalid_field", "stop_sequences"),
        (body(temperature="hot"), "invalid_field", "temperature"),
        (body(tool_choice="auto"), "invalid_field", "tool_choice"),
        (body(model=7), "invalid_field", "model"),
        (body(models=["a b"]), "invalid_field", "models[0]"),
        (body(fallbacks={"model": "a/b"}), "invalid_field", "fallbacks"),
        (body(fallbacks=["a/b"]), "invalid_field", "fallbacks[0]"),
        (body(fallbacks=[{}]), "invalid_field", "fallbacks[0].model"),
        (body(fallbacks=[{"model": "a b"}]), "invalid_field", "fallbacks[0].model"),
        (body(fallbacks=[{"model": "a/b", "max_tokens": 1}]), "invalid_field", "fallbacks[0]"),
        (body(fallbacks=[{"model": "a/b"}], models=["c/d"]), "invalid_field", "fallbacks"),
        (body(gateway={"no_option": 1}), "unknown_option", "gateway.no_option"),
        (body(api_key="x"), "refused_field", "api_key"),
        (b'{"messages":[],"messages":[]}', "invalid_json", "messages"),
        (b"[]", "invalid_body", None),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else str(value),
)
def test_a_wrong_field_is_refused_and_named(raw: bytes, code: str, param: str | None) -> None:
    assert refusal(raw) == (code, param)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "messages"])
def test_null_counts_as_absent(name: str) -> None:
    found, without = parse(body(**{name: None})), parse(body())

    assert (found.models, found.max_tokens, found.stream) == (without.models, without.max_tokens, False)
    assert (found.user, found.session, found.options) == (None, None, without.options)


def test_what_is_not_listed_passes_unchecked() -> None:
    fields = parse(body(context_management={"edits": []}, safeguards=[1], new_field={"a": [None]})).fields

    assert fields.value("safeguards") == [1]
    assert fields.value("new_field") == {"a": [None]}


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ({"metadata": {"user_id": "ü"}}, "ü"),
        ({"metadata": {"user_id": "u"}, "user": "other"}, "u"),
        ({"user": "other"}, "other"),
        ({"metadata": {"user_id": 7}}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_end_user_is_named_by_anthropics_field_or_openrouters(
    fields: JsonObject, user: str | None
) -> None:
    assert parse(body(**fields)).user == user


def test_the_session_and_the_limit() -> None:
    request = parse(body(session_id="s", max_tokens=1e3, stream=True))

    assert (request.session, request.max_tokens, request.stream) == ("s", 1_000, True)


@pytest.mark.parametrize(
    ("fields", "is_text"),
    [
        ({}, True),
        ({"tools": []}, True),
        ({"tools": [{"name": "f", "input_schema": {}}]}, False),
        ({"mcp_servers": [{"url": "https://a.example"}]}, False),
        ({"output_config": {"format": SCHEMA}}, False),
        ({"output_config": {"effort": "low"}}, True),
    ],
    ids=str,
)
def test_an_answer_is_only_text_without_tools_and_json(fields: JsonObject, is_text: bool) -> None:
    assert parse(body(**fields)).is_text_only is is_text


@pytest.mark.parametrize(
    "fields", [{"output_config": {"format": SCHEMA}}, {"output_format": SCHEMA}], ids=str
)
def test_json_is_wanted_by_either_name(fields: JsonObject) -> None:
    request = parse(body(**fields))

    assert (request.wants_json, request.json_root, request.requirements.json) == (
        True,
        "object",
        "json_schema",
    )


def test_a_plain_prompt_requires_only_context() -> None:
    found = requires()

    assert (found.tools, found.json, found.parameters, found.reasoning) == (False, None, (), None)
    assert not (found.inputs)
    assert not (found.has_fees)
    assert not (found.writes_cache)
    assert not (found.hides_reasoning)
    assert 0 < found.tokens.likely < 50


@pytest.mark.parametrize(
    ("block", "inputs"),
    [
        (IMAGE, {"image"}),
        (PDF, {"file"}),
        ({"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]}, {"image"}),
        (
            {"type": "tool_result", "tool_use_id": "t", "content": [PDF, {"type": "text", "text": "x"}]},
            {"file"},
        ),
        ({"type": "document", "source": {"type": "content", "content": [IMAGE]}}, {"image"}),
        ({"type": "document", "source": {"type": "text", "data": "x"}}, set()),
        ({"type": "text", "text": "image"}, set()),
        ({"type": "image"}, {"image"}),
        ({"type": ["image"]}, set()),
        ("image", set()),
        (None, set()),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_kind_of_input_is_required_at_any_place(block: Json, inputs: set[str]) -> None:
    assert with_blocks(block).inputs == inputs


@pytest.mark.parametrize(
    "source", [{"type": "url", "url": "https://a.example"}, {"type": "file", "file_id": "f"}], ids=str
)
def test_a_document_that_is_only_named_may_have_any_length(source: JsonObject) -> None:
    assert with_blocks({"type": "document", "source": source}).tokens.most is None


def test_the_bytes_of_an_image_are_no_text() -> None:
    assert IMAGE_TOKENS_LIKELY <= with_blocks(IMAGE).tokens.likely < IMAGE_TOKENS_LIKELY + 100


@pytest.mark.parametrize(
    ("tool", "extras"),
    [
        ({"name": "f", "input_schema": {}}, set()),
        ({"type": "custom", "name": "f"}, set()),
        ({"type": None, "name": "f"}, set()),
        ({"type": "bash_20250124"}, set()),
        ({"type": "text_editor_20250728"}, set()),
        ({"type": "computer_20250124"}, set()),
        ({"type": "memory_20250818"}, set()),
        ({"type": "web_search_20250305"}, {"web", "web_search_20250305"}),
        ({"type": "code_execution_20250825"}, {"code_execution_20250825"}),
        ({"type": 7}, {"?"}),
    ],
    ids=str,
)
def test_tools_that_run_elsewhere_cost_a_fee(tool: Json, extras: set[str]) -> None:
    found = requires(tools=[tool])

    assert found.tools
    assert found.extras == extras
    assert found.has_fees is bool(extras)


def test_servers_of_tools_are_a_service() -> None:
    assert requires(mcp_servers=[{"type": "url", "url": "https://a.example"}]).extras == {"mcp"}


def test_a_tool_choice_of_none_requires_no_tools() -> None:
    tools: Json = [{"name": "f", "input_schema": {}}]

    assert not requires(tools=tools, tool_choice={"type": "none"}).tools
    assert requires(tools=tools, tool_choice={"type": "auto"}).tools


def test_parameters_are_required_only_if_the_caller_says_so() -> None:
    fields: JsonObject = {
        "temperature": 1,
        "top_p": 1,
        "top_k": 1,
        "stop_sequences": ["x"],
        "tools": [],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled"},
        "max_tokens": 5,
    }
    found = requires(**fields, provider={"require_parameters": True}).parameters

    assert set(found) == {
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "tools",
        "tool_choice",
        "reasoning",
        "max_tokens",
    }
    assert set(found) <= PARAMETERS.keys()
    assert requires(**fields).parameters == ()


@pytest.mark.parametrize(
    ("thinking", "reasons", "hides"),
    [
        ({"type": "enabled", "budget_tokens": 1_024}, True, False),
        ({"type": "adaptive"}, True, False),
        ({"type": "disabled", "display": "omitted"}, False, False),
        ({"type": "adaptive", "display": "omitted"}, True, True),
        ({"type": "adaptive", "display": "updates"}, True, True),
        ({"type": "adaptive", "display": "summarized"}, True, False),
        ({"type": "new"}, None, False),
        ({"type": ["enabled"]}, None, False),
        ({}, None, False),
    ],
    ids=str,
)
def test_whether_the_model_reasons_and_shows_it(thinking: Json, reasons: bool | None, hides: bool) -> None:
    found = requires(thinking=thinking)

    assert (found.reasoning, found.hides_reasoning) == (reasons, hides)


def test_openrouters_own_fields_count() -> None:
    found = requires(
        provider={"max_price": {"prompt": 1, "completion": 2}, "order": ["Anthropic"]},
        plugins=[{"id": "web"}, {"id": "context-compression"}],
    )

    assert found.max_price is not None
    assert found.has_fees
    assert found.shrinks
    assert found.prefers_endpoints
    assert found.preferences


def test_cache_control_is_found_at_any_depth() -> None:
    block: Json = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}

    assert requires(system=[block]).writes_cache
    assert with_blocks(block).writes_cache


@pytest.mark.parametrize(
    ("prefill", "takes_prefill", "roles"),
    [
        ("Once upon \n", True, ["assistant"]),
        ("Once upon \n", False, ["assistant", "user"]),
        (" \n", True, []),
    ],
)
def test_a_prefill_does_not_end_in_white_space(prefill: str, takes_prefill: bool, roles: list[str]) -> None:
    members = MESSAGES.members_to_go_on({"messages": b'"messages":[0]'}, prefill, takes_prefill=takes_prefill)

    _, *messages = json.loads(b"{%b}" % bytes(members["messages"]))["messages"]
    assert [each["role"] for each in messages] == roles
    assert not messages or messages[0] == {"role": "assistant", "content": "Once upon"}


value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "output_format", "mcp_servers", "x"]), value, max_size=5))
def test_no_body_makes_the_parser_fail_otherwise(fields: JsonObject) -> None:
    try:
        parse(body(**fields))
    except GatewayError as error:
        assert error.kind.status == 400  # noqa: PT017  # any other exception fails the test
