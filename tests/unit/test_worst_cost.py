import json

import pytest

from gateway.catalog import catalog_of
from gateway.chat import ChatRequest
from gateway.parse import parse
from gateway.wire import Json, JsonObject
from gateway.worst_cost import BYTES_PER_TOKEN, worst_cost_usd

PRICED: JsonObject = {
    "id": "a/one",
    "context_length": 8_000,
    "pricing": {"prompt": "0.000001", "completion": "0.00001"},
    "top_provider": {"max_completion_tokens": 1_000},
}


def chat(**fields: Json) -> ChatRequest:
    return parse(json.dumps({"prompt": "Hi", **fields}).encode())


def worst(asked: ChatRequest, **listed: Json) -> float | None:
    return worst_cost_usd("a/one", asked, catalog_of([{**PRICED, **listed}], fetched_at_s=0.0))


def prompt_usd(asked: ChatRequest) -> float:
    return len(asked.fields) / BYTES_PER_TOKEN * 0.000_001


@pytest.mark.parametrize(
    ("fields", "answers_usd"),
    [
        pytest.param({"max_tokens": 100}, 0.001, id="the caller's limit"),
        pytest.param({"max_completion_tokens": 50, "max_tokens": 100}, 0.0005, id="its newer name first"),
        pytest.param({"max_tokens": 100, "n": 3}, 0.003, id="for each answer"),
        pytest.param({}, 0.01, id="the model's limit"),
        pytest.param({"max_tokens": -5}, 0.01, id="a limit that is none"),
    ],
)
def test_an_answer_may_be_as_long_as_its_limit(fields: dict[str, Json], answers_usd: float) -> None:
    asked = chat(**fields)

    assert worst(asked) == pytest.approx(prompt_usd(asked) + answers_usd)


def test_without_any_limit_the_whole_context_counts() -> None:
    asked = chat()

    assert worst(asked, top_provider=None) == pytest.approx(prompt_usd(asked) + 0.08)


def test_a_price_for_each_request_is_added() -> None:
    pricing: Json = {"prompt": "0", "completion": "0", "request": "0.02"}

    assert worst(chat(), pricing=pricing) == pytest.approx(0.02)


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param({"pricing": {"prompt": "-1", "completion": "-1"}}, id="a router's price"),
        pytest.param({"pricing": {"prompt": "0.1"}}, id="half a price"),
        pytest.param({"top_provider": None, "context_length": None}, id="no length"),
    ],
)
def test_what_is_not_known_has_no_worst_case(listed: dict[str, Json]) -> None:
    assert worst(chat(), **listed) is None


def test_a_model_that_is_not_listed_and_a_missing_catalogue_have_no_worst_case() -> None:
    assert worst_cost_usd("b/two", chat(), catalog_of([PRICED], fetched_at_s=0.0)) is None
    assert worst_cost_usd("a/one", chat(), None) is None
