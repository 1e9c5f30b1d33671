import pytest

from gateway.http.errors import GatewayError
from gateway.http.query_string import MAX_CHARACTERS, parameters_of


def refusal(query: str, *, ignore_unknown: bool = False) -> tuple[str, str | None]:
    with pytest.raises(GatewayError) as caught:
        parameters_of(query, known=("a",), ignore_unknown=ignore_unknown)
    return caught.value.code, caught.value.param


def test_parameters_are_decoded() -> None:
    assert parameters_of("a=1+2&b=%C3%A9&c=&d") == {"a": "1 2", "b": "é", "c": "", "d": ""}


def test_a_query_may_have_so_many_characters_and_no_more() -> None:
    assert parameters_of("a=" + "x" * (MAX_CHARACTERS - 2)) == {"a": "x" * (MAX_CHARACTERS - 2)}
    assert refusal("a=" + "x" * (MAX_CHARACTERS - 1)) == ("invalid_field", "query")


def test_unknown_parameters_can_be_ignored() -> None:
    query = "b=1&a=2&b=3&=4&A=5"

    assert parameters_of(query, known=("a",), ignore_unknown=True) == {"a": "2"}
    assert refusal("a=1&a=2", ignore_unknown=True) == ("invalid_field", "a")


def test_a_parameter_that_is_given_twice_is_named_if_it_is_known() -> None:
    assert refusal("a=1&a=2") == ("invalid_field", "a")
    assert refusal("canary=1&canary=2") == ("invalid_field", "query")
