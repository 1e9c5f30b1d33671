from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.rig import Rig

PATH = "/rerank"
Results = list[dict[str, Any]]


def _results(sim: Rig, model: str = "sim/ok", **more: object) -> Results:
    results: Results = sim.ask(PATH, model, **more).json()["results"]
    return results


def test_the_document_that_shares_words_with_the_query_comes_first(sim: Rig) -> None:
    results = _results(sim)
    scores = [result["relevance_score"] for result in results]
    assert [result["index"] for result in results] == [1, 0, 2]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[1]
    assert [result["document"] for result in results] == [
        {"text": "A dog barks."},
        {"text": "A cat."},
        {"text": "Rain."},
    ]


def test_top_n_leaves_the_best(sim: Rig) -> None:
    assert [result["index"] for result in _results(sim, top_n=1)] == [1]
    assert len(_results(sim, top_n=50)) == 3


def test_a_search_unit_is_a_hundred_documents(sim: Rig) -> None:
    for count, units in ((1, 1), (100, 1), (101, 2)):
        usage = sim.ask(PATH, "cohere/rerank-v3.5", documents=["x"] * count).json()["usage"]
        assert (usage["search_units"], usage["cost"]) == (units, units * 0.002)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"documents": []}, "documents: Expected at least 1 item"),
        ({"documents": [1]}, "documents: Invalid input"),
        ({"documents": [{}]}, "documents: Invalid input"),
        ({"top_n": 0}, "top_n: Expected an integer of 1 or more"),
        ({"query": ""}, "query: Expected a non-empty string"),
    ],
)
def test_an_invalid_request_is_refused(sim: Rig, wrong: dict[str, object], message: str) -> None:
    answer = sim.ask(PATH, "sim/ok", **wrong)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


FAULTS: dict[str, Callable[[Results], bool]] = {
    "empty": lambda results: results == [],
    "ranks-beyond": lambda results: {each["index"] for each in results} == {3},
    "ranks-negative": lambda results: {each["index"] for each in results} == {-1},
    "ranks-same-index": lambda results: [each["index"] for each in results] == [0, 0, 0],
    "ranks-more": lambda results: [each["index"] for each in results] == [1, 0, 2, 1],
    "ranks-no-score": lambda results: not any("relevance_score" in each for each in results),
    "ranks-reversed": lambda results: [each["index"] for each in results] == [2, 0, 1],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_in_the_results(sim: Rig, name: str) -> None:
    assert FAULTS[name](_results(sim, f"sim/{name}"))
