"""Similar names of models: typing errors and other versions are found, in linear time."""

import time

import pytest

from gateway.catalog.similar import MAX_COMPARED, MAX_SIMILAR, did_you_mean, similar_ids
from gateway.memory.catalog import Catalog
from simulator.catalog import models

LISTED = [*models()]


def catalog_of(*ids: str) -> Catalog:
    return Catalog(0, tuple(f"{each}\t{each}\t{{}}".encode() for each in ids), 0)


def anything(_: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4.5"),
        ("claude-haiku-4.6", "anthropic/claude-haiku-4.5"),
        ("openai/gpt-5.4-mimi", "openai/gpt-5.4-mini"),
        ("OpenAI/GPT-5.4-Mini", "openai/gpt-5.4-mini"),
        ("google/gpt-5.4-mini", "openai/gpt-5.4-mini"),
        ("anthropic/claude-sonnet-3.5", "anthropic/claude-sonnet-4.6"),
        ("sim/okk", "sim/ok"),
        ("zzz/qqq", None),
        ("x", None),
        ("", None),
        ("direct:near/zzz", None),
    ],
)
def test_the_most_similar_name_comes_first(name: str, best: str | None) -> None:
    assert next(iter(similar_ids(name, catalog_of(*LISTED), anything)), None) == best


def test_only_models_that_the_caller_may_use_are_found() -> None:
    found = similar_ids("openai/gpt-5.4-mimi", catalog_of(*LISTED), lambda each: "mini" not in each)

    assert found
    assert "openai/gpt-5.4-mini" not in found


def test_the_name_itself_is_not_similar() -> None:
    assert similar_ids("a/one", catalog_of("a/one"), anything) == ()


def test_few_names_are_returned() -> None:
    assert (
        len(similar_ids("a/name", catalog_of(*(f"a/name-{n}" for n in range(50))), anything)) == MAX_SIMILAR
    )


def test_a_long_list_and_a_long_name_take_bounded_time() -> None:
    catalog = catalog_of(*(f"author/{'x' * 90}{number}" for number in range(50 * MAX_COMPARED)))
    begun_s = time.perf_counter()

    similar_ids("author/" + "xy" * 1_000_000, catalog, anything)

    assert time.perf_counter() - begun_s < 1.0


@pytest.mark.parametrize(
    ("found", "question"),
    [
        ((), ""),
        (("a",), "Did you mean a?"),
        (("a", "b"), "Did you mean a or b?"),
        (("a", "b", "c"), "Did you mean a, b or c?"),
    ],
)
def test_the_question_names_them(found: tuple[str, ...], question: str) -> None:
    assert did_you_mean(found) == question
