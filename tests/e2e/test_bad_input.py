"""Bad input: the status and ``param`` are right, the error has one format, and no call goes upstream."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.chat import CHAT, QUESTION, complete_log, error_in
from tests.support.runtimes import Gateway


def chat(**fields: object) -> bytes:
    return json.dumps({"messages": QUESTION, **fields}).encode()


NOT_JSON = {
    "an empty body": b"",
    "no JSON": b"hello",
    "cut JSON": b'{"messages": [',
    "two values": b"{}{}",
    "a form": b"messages=hello",
    "gzip without a word": gzip.compress(chat()),
    "malformed UTF-8": b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "UTF-16": chat().decode().encode("utf-16"),
    "NaN": chat(temperature=0.5).replace(b"0.5", b"NaN"),
    "Infinity": chat(temperature=0.5).replace(b"0.5", b"-Infinity"),
    "a trailing comma": b'{\n"messages":[],}',
    "an escape": b'{"messages": "\\x"}',
    "a line end in a string": b'{"messages": "\n"}',
    "a number beyond all floats": chat(temperature=0.5).replace(b"0.5", b"1e999"),
}
# Where it is not JSON, and what is there. Parsers differ by version; the message does not.
PLACES = {
    "cut JSON": "At line 1, column 15 is the end of the body, but a value is expected.",
    "no JSON": "At line 1, column 1 is a letter, but a value is expected.",
    "two values": "At line 1, column 3 is an opening bracket, but the end of the body is expected.",
    "malformed UTF-8": "At line 1, column 44 is a byte that UTF-8 does not allow there.",
    "NaN": "is NaN or Infinity, which are no numbers in JSON.",
    "a number beyond all floats": "is a number that is too large.",
    "a trailing comma": "At line 2, column 14 a comma comes before a closing bracket.",
    "an escape": "At line 1, column 15 a string holds an escape that JSON does not have.",
    "a line end in a string": "column 15 a string holds a control character. Write a line end as \\n.",
}
# A recursive parser would overflow the runtime's stack, which ends the whole isolate.
DEEP = {
    "a hundred thousand brackets": b"[" * 100_000,
    "thirty thousand objects": b'{"a":' * 30_000,  # more would be too many values
    "brackets inside a field": chat(extra=0).replace(
        b'"extra": 0', b'"extra":' + b"[" * 50_000 + b"]" * 50_000
    ),
}
NO_OBJECT = {"an array": b"[]", "a text": b'"hello"', "a number": b"1", "null": b"null"}
FIELDS: dict[str, tuple[bytes, str]] = {
    "no messages": (b"{}", "messages"),
    "null messages": (b'{"messages": null}', "messages"),
    "a list of prompts": (b'{"prompt": ["hello"]}', "prompt"),
    "messages is empty": (chat(messages=[]), "messages"),
    "messages is a text": (chat(messages="hello"), "messages"),
    "a message is no object": (chat(messages=[1]), "messages[0]"),
    "a message without a role": (chat(messages=[*QUESTION, {"content": "x"}]), "messages[1].role"),
    "model is a number": (chat(model=5), "model"),
    "model is empty": (chat(model=""), "model"),
    "model has a line end": (chat(model="sim/ok\r\nx-evil: 1"), "model"),
    "models is a text": (chat(models="sim/ok"), "models"),
    "models is empty": (chat(models=[]), "models"),
    "too many models": (chat(models=[f"sim/{number}" for number in range(51)]), "models"),
    "one of models is null": (chat(models=["sim/ok", None]), "models[1]"),
    "stream is a text": (chat(stream="yes"), "stream"),
    "temperature is a text": (chat(temperature="hot"), "temperature"),
    "temperature is a flag": (chat(temperature=True), "temperature"),
    "max_tokens is a fraction": (chat(max_tokens=1.5), "max_tokens"),
    "tools is an object": (chat(tools={}), "tools"),
    "response_format is a text": (chat(response_format="json"), "response_format"),
    "provider is an array": (chat(provider=[]), "provider"),
    "gateway is a number": (chat(gateway=5), "gateway"),
    "a deadline of nothing": (chat(gateway={"deadline_ms": 0}), "gateway.deadline_ms"),
    "a deadline of days": (chat(gateway={"deadline_ms": 10**9}), "gateway.deadline_ms"),
    "too many retries": (chat(gateway={"retries": 99}), "gateway.retries"),
    "an unknown policy": (chat(gateway={"on_midstream": "pray"}), "gateway.on_midstream"),
    "a negative ceiling": (chat(gateway={"max_cost_usd": -1}), "gateway.max_cost_usd"),
    "an unknown option": (chat(gateway={"colour": "red"}), "gateway.colour"),
    "another host": (chat(base_url="https://evil.example"), "base_url"),
    "another key": (chat(api_key="sk-or-x"), "api_key"),
}


@pytest.fixture(scope="module", autouse=True)
def _nothing_goes_up(runtime: str, simulator: str) -> Iterator[None]:  # once per runtime
    before = len(complete_log(simulator))
    yield
    assert len(complete_log(simulator)) == before


@pytest.mark.parametrize("case", NOT_JSON)
def test_a_body_that_is_not_json_is_refused(gateway: Gateway, case: str) -> None:
    error = refused(gateway, NOT_JSON[case], 400)
    assert error["code"] == "invalid_json"
    assert error["message"].endswith(PLACES.get(case, ""))


@pytest.mark.parametrize("case", DEEP)
def test_json_that_nests_too_deeply_is_refused_and_the_gateway_survives(
    start_gateway: Callable[..., Gateway], case: str
) -> None:
    other = start_gateway(STREAM_GUARD_EVENTS="3")  # a separate gateway, since the other tests need theirs
    error = refused(other, DEEP[case], 400)
    assert (error["code"], "nested too deeply. At most 200" in error["message"]) == ("invalid_json", True)
    assert refused(other, b"[]", 400)["code"] == "invalid_body"


@pytest.mark.parametrize("case", NO_OBJECT)
def test_json_that_is_not_an_object_is_refused(gateway: Gateway, case: str) -> None:
    error = refused(gateway, NO_OBJECT[case], 400)
    assert error["code"] == "invalid_body"


@pytest.mark.parametrize("case", FIELDS)
def test_the_error_names_the_invalid_field(gateway: Gateway, case: str) -> None:
    content, param = FIELDS[case]
    error = refused(gateway, content, 400)
    assert error["param"] == param
    assert param in error["message"]


def test_the_error_for_an_unknown_option_lists_the_valid_options(gateway: Gateway) -> None:
    error = refused(gateway, chat(gateway={"colour": "red"}), 400)
    assert "deadline_ms" in error["message"]
    assert "red" not in error["message"]


def declared(size: int) -> bytes:
    return chat(padding="x" * size)


def in_chunks(size: int) -> Iterator[bytes]:
    content = declared(size)
    return (content[start : start + 4096] for start in range(0, len(content), 4096))


@pytest.mark.parametrize("body_of", [declared, in_chunks])
@pytest.mark.parametrize("size", [20_000, 400_000])
def test_a_body_over_the_limit_is_refused_with_or_without_a_content_length(
    custom_gateway: Gateway, body_of: Callable[[int], Any], size: int
) -> None:
    error = refused(custom_gateway, body_of(size), 413)
    assert (error["code"], error["param"]) == ("body_too_large", "body")
    assert "20000" in error["message"]


def test_a_body_of_very_many_values_is_refused_whatever_its_size(gateway: Gateway) -> None:
    error = refused(gateway, chat(padding=[{}] * 100_000), 413)
    assert (error["code"], error["param"]) == ("body_too_large", "body")
    assert "MAX_BODY_VALUES" in error["message"]


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/V1/chat/completions", "/v1/chat/completions/", "/api/v2/chat/completions", "//"]
)
def test_an_unknown_route_is_not_found(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        answer = client.post(path, content=chat(model="sim/ok"))
    assert answer.status_code == 404
    assert error_in(answer)["metadata"].get("code", "not_found") == "not_found"


@pytest.mark.parametrize(
    ("path", "help_with_it"),
    [
        ("/v1/v1/chat/completions", "Use /v1/chat/completions."),
        ("/v1/chat/completions/", "Use /v1/chat/completions."),
        ("/api/chat/completions", "Use /api/v1/chat/completions."),
        ("/v1/moderations", "This gateway does not serve moderations. This gateway serves: POST /v1/chat/"),
        ("/v1/engines", "This gateway does not serve engines. Send a chat request to /v1/chat/completions."),
        ("/", "This gateway serves: POST /v1/chat/completions,"),
    ],
)
def test_the_error_for_a_wrong_path_says_what_to_use(gateway: Gateway, path: str, help_with_it: str) -> None:
    with gateway.client() as client:
        answer = client.post(path, content=chat(model="sim/ok"))
    assert answer.status_code == 404
    assert help_with_it in error_in(answer)["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_the_error_for_a_wrong_method_names_the_right_one(gateway: Gateway, method: str) -> None:
    with gateway.client() as client:
        answer = client.request(method, CHAT)
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"].split(", ")
    assert error_in(answer)["code"] == "method_not_allowed"
    assert error_in(answer)["message"].startswith("Use POST.")


def refused(gateway: Gateway, content: bytes | Iterator[bytes], status: int) -> dict[str, Any]:
    with gateway.client(timeout=10.0) as client:
        answer = client.post(CHAT, content=content)
    assert answer.status_code == status
    assert answer.headers["x-should-retry"] == "false"
    error = error_in(answer)
    assert error["type"] == "invalid_request_error"
    assert error["metadata"]["source"] == "client"
    return error


def test_a_get_with_a_content_length_is_answered(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert client.request("GET", "/health", headers={"content-length": "0"}).status_code == 200
        assert client.request("GET", "/v1/nothing", content=b"{}").status_code == 404
