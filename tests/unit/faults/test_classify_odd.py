import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.faults.details import safe_details
from gateway.faults.policy import RULES
from gateway.http.json_values import Json
from tests.support.canary import CANARY, with_canaries
from tests.support.faults import FAULTY, error_in, fault_of
from tests.support.samples import sample


@pytest.mark.parametrize("error", [None, "", "a string", [], ["x"], 0, 7, 1.5, True, {}, {"metadata": "x"}])
@pytest.mark.parametrize("status", [None, 200, 400, 401, 403, 429, 500, 502])
def test_every_type_of_error_gets_a_rule(error: Json, status: int | None) -> None:
    assert fault_of(error, status).code in RULES


@pytest.mark.parametrize("name", FAULTY)
def test_details_hold_no_free_text_of_an_upstream(name: str) -> None:
    planted = with_canaries(error_in(sample(name).json))

    fault = fault_of(planted, 429)

    assert CANARY not in json.dumps(fault.details)


def test_details_hold_names_words_times_and_amounts() -> None:
    details = safe_details(
        {
            "provider_name": "Google AI Studio",
            "limit_source": "openrouter_key_limit",
            "resets_at": "2026-11-23T00:00:00.000Z",
            "limit_usd": 5,
            "reasons": ["violence", CANARY],
            "flagged_input": "Describe",
            "raw": "words",
        }
    )

    assert details == {
        "provider_name": "Google AI Studio",
        "limit_source": "openrouter_key_limit",
        "resets_at": "2026-11-23T00:00:00.000Z",
        "limit_usd": 5.0,
        "reasons": ["violence"],
    }


ANYTHING: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400)])
    | st.floats()
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def paths_in(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    pairs: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    return [path, *(inner for name, each in pairs for inner in paths_in(each, (*path, name)))]


@st.composite
def mutated_errors(draw: st.DrawFn) -> Json:
    holder: Any = {"error": json.loads(json.dumps(error_in(draw(st.sampled_from(FAULTY).map(sample)).json)))}
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(paths_in(holder)[1:] or [("error",)]))
        target = holder
        for name in path:
            target = target[name]
        if draw(st.booleans()) and isinstance(target, dict):
            target.pop(last, None)
        else:
            target[last] = draw(ANYTHING)
    return holder.get("error")  # type: ignore[no-any-return]  # it was JSON before, and it still is


@pytest.mark.parametrize("number", [10**400, -(10**400), float("inf"), float("nan")], ids=str)
@pytest.mark.parametrize("name", ["limit_usd", "retry_after_seconds", "headers", "resets_at"])
def test_huge_and_non_finite_numbers_do_not_raise(name: str, number: float) -> None:
    error: Json = {"metadata": {name: {"X-RateLimit-Reset": number} if name == "headers" else number}}

    assert fault_of(error, 429).details == {}


@given(mutated_errors(), st.sampled_from([None, 400, 401, 402, 403, 404, 429, 500, 502, 529]))
def test_every_mutated_error_gets_a_rule(error: Json, status: int | None) -> None:
    assert fault_of(error, status).code in RULES


@given(ANYTHING, st.text(max_size=30))
def test_no_header_value_raises_or_exceeds_a_day(error: Json, value: str) -> None:
    fault = fault_of(error, 429, retry_after=value, retry_after_ms=value, x_ratelimit_reset=value)

    assert fault.retry_after_s is None or 0 <= fault.retry_after_s <= 86_400


@given(mutated_errors())
def test_details_are_valid_json(error: Json) -> None:
    json.dumps(fault_of(error).details, allow_nan=False)
