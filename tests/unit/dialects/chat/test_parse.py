import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.fields import FIELDS
from gateway.dialects.chat.parse import parse
from gateway.http.errors import KINDS, GatewayError
from gateway.http.json_values import Json, JsonObject, list_or_empty
from gateway.settings.options import OPTIONS

MESSAGES: Json = [{"role": "user", "content": "Hi"}]


def body(**fields: Json) -> bytes:
    return json.dumps({"messages": MESSAGES, **fields}).encode()


def refusal(raw: bytes) -> tuple[str, str | None]:
    with pytest.raises(GatewayError) as caught:
        parse(raw)
    assert caught.value.kind.source == "client"
    return caught.value.code, caught.value.param


def sent(raw: bytes) -> Json:
    """Return the body that the upstream gets, without its model."""
    value: Json = json.loads(b"{" + parse(raw).fields.text + b"}")
    return value


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="truncated"),
        pytest.param(b"hello", id="words"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(b'{"messages":[{"role":"user"}],"top_k":NaN}', id="NaN"),
        pytest.param(b'{"messages":[{"role":"user"}],"top_k":-Infinity}', id="Infinity"),
        pytest.param(b'{"messages":[{"role":"user"}],"top_k":1e999}', id="a number that is too large"),
        pytest.param(b'{"messages":' + b"9" * 5_000 + b"}", id="a number of 5000 digits"),
        pytest.param(b"[" * 100_000, id="100000 brackets"),
        pytest.param(
            b'{"messages":[{"role":"user"}],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"
        ),
    ],
)
def test_a_body_that_is_not_json_is_refused(raw: bytes) -> None:
    assert refusal(raw) == ("invalid_json", None)


@pytest.mark.parametrize("raw", [b"", b" \n"])
def test_an_empty_body_has_its_own_message(raw: bytes) -> None:
    with pytest.raises(GatewayError, match="The body is empty"):
        parse(raw)


def test_a_body_of_too_many_values_is_refused_and_the_setting_named() -> None:
    raw = body(x=[0] * 500)

    assert parse(raw, max_values=600).models == ()
    with pytest.raises(GatewayError, match="MAX_BODY_VALUES") as caught:
        parse(raw, max_values=500)
    assert (caught.value.code, caught.value.kind.status, caught.value.param) == (
        "body_too_large",
        413,
        "body",
    )


@pytest.mark.parametrize("name", ["api\\u005fkey", "\\u0068eaders"])
def test_a_refused_field_is_found_however_its_name_is_written(name: str) -> None:
    assert refusal(b'{"messages":[{"role":"user"}],"%b":"x"}' % name.encode())[0] == "refused_field"


@pytest.mark.parametrize("options", [{}, {"gateway": {"retries": 0}}, {"models": ["b"]}, {"model": "a"}])
def test_what_goes_upstream_is_the_callers_own_text(options: JsonObject) -> None:
    fields = b'"messages" : [ {"role":"user", "content":"\\u00e9\\/"} ], "x":1.50, "y":1E2'
    own = b"".join(
        b'"%b":%b,' % (name.encode(), json.dumps(value).encode()) for name, value in options.items()
    )

    assert parse(b"{ " + own + fields + b" }").fields.text == fields


def outcome_of(raw: bytes) -> str:
    try:
        parse(raw)
    except GatewayError as error:
        return error.code
    return "accepted"


def test_a_body_of_any_depth_is_accepted_or_refused() -> None:
    start = b'{"messages":[{"role":"user"}],"x":'
    bodies = [start + b"[" * depth + b"]" * depth + b"}" for depth in (*range(1_100), 100_000)]

    assert {outcome_of(raw) for raw in bodies} == {"accepted", "invalid_json"}


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"7"])
def test_a_body_that_is_not_an_object_is_refused(raw: bytes) -> None:
    assert refusal(raw) == ("invalid_body", None)


WRONG: list[tuple[str, Json]] = [
    ("model", 7),
    ("model", ""),
    ("model", "two words"),
    ("model", "line\nend"),
    ("model", "modèle"),
    ("model", "x" * 257),
    ("models", "a/one"),
    ("models", []),
    ("models", [f"m/{number}" for number in range(51)]),
    ("messages", "Hi"),
    ("messages", []),
    ("messages", {}),
    ("prompt", 7),
    ("stream", "true"),
    ("stream", 1),
    ("gateway", []),
    ("temperature", "hot"),
    ("temperature", True),
    ("top_p", []),
    ("frequency_penalty", "1"),
    ("presence_penalty", {}),
    ("max_tokens", 1.5),
    ("max_tokens", 1024.5),
    ("max_tokens", 1e9),
    ("max_tokens", -1e300),
    ("top_logprobs", 0.5),
    ("max_tokens", "100"),
    ("max_completion_tokens", True),
    ("max_tokens", 10**9),
    ("max_completion_tokens", 10**400),
    ("n", -(10**10)),
    ("tools", {}),
    ("response_format", "json"),
    ("provider", "openai"),
    ("stream_options", True),
    ("top_k", "40"),
    ("top_a", "0"),
    ("min_p", []),
    ("repetition_penalty", "1"),
    ("seed", 1.5),
    ("n", "2"),
    ("logprobs", 1),
    ("top_logprobs", True),
    ("logit_bias", []),
    ("stop", 7),
    ("tool_choice", []),
    ("parallel_tool_calls", "yes"),
    ("reasoning", "high"),
    ("plugins", {}),
    ("transforms", "middle-out"),
    ("modalities", "text"),
    ("metadata", []),
    ("user", 7),
    ("session_id", 7),
]


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        pytest.param(b'{"model":"a/one","model":"b/two"}', "model", id="at the top"),
        pytest.param(b'{"messages":[{"role":"user","role":"system"}]}', "role", id="nested"),
        pytest.param(b'{"a b":1,"a b":2}', "\u2026", id="a name that is arbitrary text"),
    ],
)
def test_a_field_named_twice_is_refused(raw: bytes, param: str) -> None:
    assert refusal(raw) == ("invalid_json", param)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            b'{"model":"a","model":"b"}', "The body names the field `model` twice.", id="at the top"
        ),
        pytest.param(
            b'{"messages":[{"role":"user","role":"system"}]}',
            "An object within `messages` names the field `role` twice.",
            id="nested",
        ),
        pytest.param(
            b'{"a b":{"c d":1,"c d":2}}',
            "An object within `…` names the field `…` twice.",
            id="arbitrary names",
        ),
        pytest.param(
            b"[" * 201,
            "The body is nested too deeply. At most 200 levels of objects and arrays are allowed.",
            id="too deep",
        ),
        pytest.param(
            b'{"messages":\n  hello}',
            "The body is not JSON. At line 2, column 3 is a letter, but a value is expected.",
            id="no JSON",
        ),
        pytest.param(b"[1]", "The body must be a JSON object, which begins with {.", id="an array"),
    ],
)
def test_the_error_for_a_body_says_what_is_wrong_and_where(raw: bytes, message: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parse(raw)

    assert caught.value.message == message


@pytest.mark.parametrize("name", ["headers", "extra_headers"])
def test_a_caller_cannot_set_upstream_headers(name: str) -> None:
    assert refusal(body(**{name: "x"})) == ("refused_field", name)


@pytest.mark.parametrize(("name", "value"), [pytest.param(*row, id=f"{row}"[:60]) for row in WRONG])
def test_an_error_names_the_wrong_field(name: str, value: Json) -> None:
    assert refusal(body(**{name: value})) == ("invalid_field", name)


def test_every_checked_field_is_in_the_table_above() -> None:
    assert {name for name, _ in WRONG} == set(FIELDS)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": [{"role": "user"}, "Hi"]}, "messages[1]"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": 7}]}, "messages[0].role"),
        ({"models": ["a/one", 7]}, "models[1]"),
        ({"models": ["a/one", "", "c"]}, "models[1]"),
        ({"models": [None]}, "models[0]"),
    ],
    ids=repr,
)
def test_an_error_names_the_index_of_a_wrong_item(fields: JsonObject, param: str) -> None:
    assert refusal(body(**fields)) == ("invalid_field", param)


@pytest.mark.parametrize("raw", [b"{}", b'{"messages":null}', b'{"model":"a/one"}'])
def test_messages_are_required(raw: bytes) -> None:
    assert refusal(raw) == ("missing_field", "messages")


def test_a_prompt_may_stand_in_the_place_of_messages() -> None:
    parsed = parse(b'{"prompt":"Once"}')

    assert parsed.fields.value("prompt") == "Once"
    assert not parsed.is_text_only


def test_a_list_of_prompts_is_refused() -> None:
    assert refusal(b'{"prompt":["Once"]}') == ("invalid_field", "prompt")


@pytest.mark.parametrize("name", ["api_key", "api_base", "base_url"])
def test_a_caller_cannot_choose_where_the_key_is_sent(name: str) -> None:
    assert refusal(body(**{name: "https://evil.example"})) == ("refused_field", name)


def test_an_error_names_the_unknown_option() -> None:
    assert refusal(body(gateway={"deadline": 1})) == ("unknown_option", "gateway.deadline")


def test_an_error_does_not_repeat_a_callers_text_as_an_option() -> None:
    for name in ("my secret text", "мой_секрет", "deadline_m\u017f", "retries\u0661"):
        assert refusal(body(gateway={name: 1})) == ("unknown_option", "gateway.…")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deadline_ms", 0),
        ("deadline_ms", 3_600_001),
        ("deadline_ms", "1000"),
        ("deadline_ms", 1.5),
        ("deadline_ms", 0.0),
        ("deadline_ms", 1e300),
        ("retries", 10.5),
        ("attempt_ms", -1),
        ("first_token_ms", True),
        ("idle_ms", []),
        ("retries", 11),
        ("fallbacks", "no"),
        ("errors", "first"),
        ("errors", []),
        ("weights", {str(number): 1 for number in range(1_001)}),
        ("weights", {"a/one": -1}),
    ],
)
def test_an_error_names_the_wrong_option(name: str, value: Json) -> None:
    assert refusal(body(gateway={name: value})) == ("invalid_field", f"gateway.{name}")


WHOLE_FIELDS = [name for name, rule in FIELDS.items() if "integer" in list_or_empty(rule.schema.get("type"))]
WHOLE_OPTIONS = [
    name for name, rule in OPTIONS.items() if "integer" in list_or_empty(rule.schema.get("type"))
]


@pytest.mark.parametrize("written", ["7.0", "7e0", "0.7e1", "70E-1"])
@pytest.mark.parametrize("name", WHOLE_FIELDS)
def test_a_whole_number_is_one_however_it_is_written(name: str, written: str) -> None:
    raw = b'{"messages":[{"role":"user"}],"%b":%b}' % (name.encode(), written.encode())

    chat = parse(raw)

    assert chat.fields.text == raw[1:-1]  # it goes upstream as it was written
    assert [type(each) for each in (chat.choices, chat.max_tokens or 0)] == [int, int]
    assert 7 in (chat.choices, chat.max_tokens) or name in ("seed", "top_logprobs")


@pytest.mark.parametrize("written", ["700.0", "7e2"])
@pytest.mark.parametrize("name", WHOLE_OPTIONS)
def test_a_whole_number_of_an_option_is_an_int(name: str, written: str) -> None:
    written = written.replace("700", "7").replace("e2", "e0") if name == "retries" else written
    raw = b'{"messages":[{"role":"user"}],"gateway":{"%b":%b}}' % (name.encode(), written.encode())

    value = getattr(parse(raw).options, name)

    assert type(value) is int
    assert value in (7, 700)


@pytest.mark.parametrize("written", ["1e999", "true", "NaN", "-1e999"])
@pytest.mark.parametrize("name", WHOLE_FIELDS)
def test_what_is_no_number_is_no_whole_number(name: str, written: str) -> None:
    raw = b'{"messages":[{"role":"user"}],"%b":%b}' % (name.encode(), written.encode())

    assert outcome_of(raw) in ("invalid_json", "invalid_field")


def test_the_gateway_options_are_parsed() -> None:
    options = parse(
        body(gateway={"deadline_ms": 5, "retries": 0, "fallbacks": False, "errors": "all"})
    ).options

    assert (options.deadline_ms, options.retries, options.fallbacks, options.errors) == (5, 0, False, "all")


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_an_option_that_is_null_counts_as_absent(name: str) -> None:
    assert parse(body(gateway={name: None})).options == parse(body()).options


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"messages"}))
def test_a_field_that_is_null_counts_as_absent(name: str) -> None:
    chat = parse(body(**{name: None}))

    assert (chat.models, chat.stream) == ((), False)


def test_models_keep_their_order_without_duplicates() -> None:
    assert parse(body(model="a", models=["b", "a", "c", "b"])).models == ("a", "b", "c")


def test_fifty_models_are_allowed() -> None:
    assert len(parse(body(models=[f"m/{number}" for number in range(50)])).models) == 50


def test_the_gateways_own_fields_do_not_go_upstream() -> None:
    assert sent(body(model="a", models=["b"], gateway={"retries": 0})) == {"messages": MESSAGES}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(0.1, id="fraction"),
        pytest.param(1e300, id="large"),
        pytest.param(12345678901234567890, id="large integer"),
        pytest.param("日本 é \u0000 \u2028", id="unicode"),
        pytest.param("\ud83d lone", id="lone surrogate"),
        pytest.param({"a": [None, True, {"b": []}]}, id="nested"),
        pytest.param(None, id="null"),
    ],
)
def test_an_unknown_field_goes_upstream_unchanged(value: Json) -> None:
    assert sent(body(my_field=value)) == {"messages": MESSAGES, "my_field": value}


ANY: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=12).map(lambda name: f"x_{name}"), ANY, max_size=5))
def test_any_unknown_fields_go_upstream_unchanged(fields: JsonObject) -> None:
    assert sent(body(**fields)) == {"messages": MESSAGES, **fields}


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), ANY, max_size=5))
def test_any_json_is_accepted_or_refused_with_a_client_error(fields: JsonObject) -> None:
    code = outcome_of(json.dumps(fields).encode())

    assert code == "accepted" or KINDS[code].source == "client"
