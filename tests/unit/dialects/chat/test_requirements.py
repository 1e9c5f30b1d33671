from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.prompt_tokens import IMAGE_TOKENS_LIKELY, IMAGE_TOKENS_MOST
from gateway.dialects.chat.requirements import Requirements
from gateway.settings.price import Price
from tests.support.planning import parsed

INLINE = "data:image/png;base64," + "A" * 100_000


def requirements(**fields: object) -> Requirements:
    return parsed(**fields).requirements


def said(*parts: object) -> Requirements:
    return requirements(messages=[{"role": "user", "content": [*parts]}])


def image(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_a_plain_question_needs_nothing_but_room() -> None:
    asked = requirements()

    assert (asked.tools, asked.json, asked.parameters, asked.max_price) == (False, None, (), None)
    assert asked.inputs == asked.outputs == frozenset()
    assert 0 < asked.tokens.likely < 50


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (image("https://a.example/b.png"), "image"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "audio"),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:;base64,AA"}}, "file"),
        ({"type": "video_url", "video_url": {"url": "https://a.example/b.mp4"}}, "video"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_each_kind_of_input_is_needed(part: object, kind: str) -> None:
    assert said({"type": "text", "text": "What is it?"}, part).inputs == {kind}


@pytest.mark.parametrize("part", ["a text", {"type": "new_kind"}, {"text": "no type"}, None, 1])
def test_a_part_of_no_known_kind_needs_nothing(part: object) -> None:
    assert said(part).inputs == frozenset()


def test_tools_are_needed_unless_none_may_be_called() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]

    assert requirements(tools=tools).tools
    assert not requirements(tools=tools, tool_choice="none").tools
    assert not requirements(tools=[]).tools


@pytest.mark.parametrize(
    ("kind", "needed"),
    [("json_object", "json_object"), ("json_schema", "json_schema"), ("text", None), ("grammar", None)],
)
def test_json_is_needed_where_it_is_asked_for(kind: str, needed: str | None) -> None:
    assert requirements(response_format={"type": kind}).json == needed


def test_other_outputs_than_text_are_needed() -> None:
    assert requirements(modalities=["text", "image"]).outputs == {"image"}


def test_a_made_up_output_is_no_need_that_a_receipt_could_repeat() -> None:
    assert requirements(modalities=["text", "what the caller wrote", 7, ["image"]]).outputs == frozenset()


def test_parameters_are_needed_where_the_caller_insists() -> None:
    fields = {"temperature": 0, "top_p": None, "seed": 1, "my_own": 1}

    assert requirements(**fields).parameters == ()
    assert requirements(**fields, provider={"require_parameters": True}).parameters == ("temperature", "seed")


@pytest.mark.parametrize(
    ("value", "price"),
    [
        ({"prompt": "1.5"}, Price(prompt=1.5)),
        ({"prompt": 1, "completion": 2, "image": 3}, Price(prompt=1.0, completion=2.0)),
        ({"prompt": 0}, Price(prompt=0.0)),
        ({"prompt": "cheap"}, None),
        ({"request": 1}, None),
        (5, None),
    ],
    ids=repr,
)
def test_a_max_price_is_read_as_far_as_it_is_one_by_tokens(value: object, price: Price | None) -> None:
    assert requirements(provider={"max_price": value}).max_price == price


def test_an_images_data_is_not_counted_as_text() -> None:
    asked = said(image(INLINE)).tokens

    assert IMAGE_TOKENS_LIKELY < asked.likely < IMAGE_TOKENS_LIKELY + 100
    assert asked.most is not None
    assert IMAGE_TOKENS_MOST < asked.most < IMAGE_TOKENS_MOST + 200
    assert asked.least < 100


def test_a_linked_image_costs_as_much_as_one_that_is_there() -> None:
    linked, inline = said(image("https://a.example/b.png")).tokens, said(image(INLINE)).tokens

    assert linked.most is not None
    assert inline.most is not None
    assert abs(linked.most - inline.most) < 50


@pytest.mark.parametrize("name", ["b.pdf", "b" * 200 + ".pdf"])
def test_how_long_a_linked_file_is_nobody_can_tell(name: str) -> None:
    part = {"type": "file", "file": {"filename": name, "file_data": "https://a.example/b.pdf"}}

    assert said(part).tokens.most is None


@given(text=st.text(max_size=2_000), images=st.integers(0, 3))
def test_an_estimate_is_least_then_likely_then_most(text: str, images: int) -> None:
    tokens = said({"type": "text", "text": text}, *[image(INLINE)] * images).tokens

    assert tokens.most is not None
    assert all(low <= high for low, high in pairwise((tokens.least, tokens.likely, tokens.most)))


def test_an_answers_own_images_that_are_sent_back_are_not_text() -> None:
    message = {"role": "assistant", "content": "Here.", "images": [image(INLINE)]}

    asked = requirements(messages=[message])

    assert asked.inputs == {"image"}
    assert asked.tokens.likely < IMAGE_TOKENS_LIKELY + 100


def test_a_url_that_is_no_object_is_one_all_the_same() -> None:
    assert said({"type": "image_url", "image_url": INLINE}).tokens.likely < IMAGE_TOKENS_LIKELY + 100


@pytest.mark.parametrize(
    "fields", [{"plugins": [{"id": "context-compression"}]}, {"transforms": ["middle-out"]}]
)
def test_what_shortens_the_prompt_makes_it_fit(fields: dict[str, object]) -> None:
    assert requirements(**fields).shrinks
    assert not requirements().shrinks


@pytest.mark.parametrize(
    "fields",
    [
        {"plugins": [{"id": "web"}]},
        {"plugins": [{"id": "fusion"}]},
        {"web_search_options": {"search_context_size": "low"}},
        {"web_search_options": {}},
        {"preset": "research"},
        {"tools": [{"type": "openrouter:web_search"}]},
        {"modalities": ["image", "text"]},
    ],
    ids=repr,
)
def test_what_may_cost_more_than_its_tokens_has_no_known_worst_case(fields: dict[str, object]) -> None:
    assert requirements(**fields).has_fees


def test_what_has_no_fee_has_none() -> None:
    assert not requirements(plugins=[{"id": "response-healing"}], tools=[{"type": "function"}]).has_fees


def test_a_prompt_that_is_to_be_kept_costs_more() -> None:
    part = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}

    assert said(part).writes_cache
    assert not requirements().writes_cache


@given(text=st.text(max_size=500))
def test_no_prompt_has_more_tokens_than_bytes(text: str) -> None:
    most = said({"type": "text", "text": text}).tokens.most

    assert most is not None
    assert most >= len(text.encode("utf-8", "surrogatepass"))
