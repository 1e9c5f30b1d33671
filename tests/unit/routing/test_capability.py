from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from gateway.http.json_values import Json, JsonObject
from gateway.routing.capability import CHECKS, Ineligible, Question, check_capability
from tests.support.planning import listed, parsed

NOW_S = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
TOOLS = [{"type": "function", "function": {"name": "f"}}]
TEXT_ONLY: Json = {"input_modalities": ["text"], "output_modalities": ["text"]}


def check(
    model: JsonObject,
    fields: Mapping[str, object] | None = None,
    *,
    require: tuple[str, ...] = (),
) -> Ineligible | None:
    question = Question(request=parsed(**(fields or {})), require=require, now_s=NOW_S)
    return check_capability(model, question)


def reason_of(found: Ineligible | None) -> tuple[str, bool] | None:
    return (found.reason, found.certain) if found else None


def messages_with(kind: str, value: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": [{"type": kind, kind: value}]}]


EVERYTHING: dict[str, object] = {
    "tools": TOOLS,
    "response_format": {"type": "json_schema"},
    "modalities": ["text", "image"],
    "messages": messages_with("image_url", {"url": "https://a.example/b.png"}),
}


def test_a_model_that_can_do_everything_passes() -> None:
    assert check(listed("a/one"), EVERYTHING) is None


def test_missing_catalogue_information_is_no_reason() -> None:
    assert check({"id": "a/one"}, EVERYTHING, require=("tools",)) is None


def test_a_router_that_lists_no_parameters_passes() -> None:
    assert check(listed("openrouter/auto", supported_parameters=[]), EVERYTHING) is None


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        ({"supported_parameters": ["max_tokens"]}, {"tools": TOOLS}, ("no_tools", True)),
        (
            {"architecture": TEXT_ONLY},
            {"messages": messages_with("image_url", {"url": "https://a.example"})},
            ("no_such_input", True),
        ),
        (
            {"architecture": TEXT_ONLY},
            {"messages": messages_with("input_audio", {"data": "AA"})},
            ("no_such_input", True),
        ),
        (
            {"architecture": TEXT_ONLY},
            {"messages": messages_with("file", {"file_data": "AA"})},
            ("no_file_input", False),
        ),
        ({"architecture": TEXT_ONLY}, {"modalities": ["image", "text"]}, ("no_such_output", True)),
        (
            {"supported_parameters": ["tools"]},
            {"response_format": {"type": "json_object"}},
            ("no_json_output", False),
        ),
        (
            {"supported_parameters": ["response_format"]},
            {"response_format": {"type": "json_schema"}},
            ("no_json_output", False),
        ),
        (
            {"supported_parameters": ["tools"]},
            {"seed": 1, "provider": {"require_parameters": True}},
            ("parameter_unsupported", True),
        ),
        ({"context_length": 100}, {"messages": [{"role": "user", "content": "a" * 13_000}]},
         ("context_too_small", True)),
        ({"context_length": 1_000}, {"messages": [{"role": "user", "content": "a" * 4_000}]},
         ("context_too_small", False)),
        ({"context_length": 1_000}, {"max_tokens": 999}, ("context_too_small", False)),
        ({"expiration_date": "2026-11-23"}, {}, ("expired", False)),
        ({"expiration_date": "2025-01-01"}, {}, ("expired", False)),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip  # a row a case
def test_each_check_has_its_reason_and_certainty(
    model: JsonObject, fields: dict[str, object], expected: tuple[str, bool]
) -> None:
    assert reason_of(check(listed("a/one", **model), fields)) == expected


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ({"supported_parameters": ["response_format"]}, {"response_format": {"type": "json_object"}}),
        ({"supported_parameters": ["structured_outputs"]}, {"response_format": {"type": "json_object"}}),
        (
            {"supported_parameters": ["max_tokens"]},
            {"max_completion_tokens": 1, "provider": {"require_parameters": True}},
        ),
        ({"supported_parameters": ["tools"]}, {"seed": 1}),
        ({"expiration_date": "2026-11-24"}, {}),
        ({"context_length": None}, {}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_model_that_supports_the_request_passes(model: JsonObject, fields: dict[str, object]) -> None:
    assert check(listed("a/one", **model), fields) is None


def test_a_routes_required_parameters_are_checked_for_every_request() -> None:
    found = check(listed("a/one"), require=("seed", "tools"))

    assert found == Ineligible(reason="route_requires_more", certain=True, details={"missing": ["seed"]})


def test_every_reason_is_a_code_and_certain_checks_come_first() -> None:
    certain = [is_certain for _, _, is_certain in CHECKS]

    assert certain == sorted(certain, reverse=True)
    assert all(reason.replace("_", "").isalpha() for reason, _, _ in CHECKS)
