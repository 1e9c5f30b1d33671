import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.parse import parse
from gateway.dialects.prompt_tokens import IMAGE_TOKENS_LIKELY, IMAGE_TOKENS_MOST
from gateway.dialects.requirements import Requirements
from gateway.settings.price import Price
from tests.support.planning import parsed

INLINE = "data:image/png;base64," + "A" * 100_000


def requirements(**fields: object) -> Requirements:
    return parsed(**fields).requirements


def with_parts(*parts: object) -> Requirements:
    return requirements(messages=[{"role": "user", "content": [*parts]}])


def image(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


def test_a_plain_prompt_requires_only_context() -> None:
    found = requirements()

    assert (found.tools, found.json, found.parameters, found.max_price) == (False, None, (), None)
    assert found.inputs == found.outputs == frozenset()
    assert 0 < found.tokens.likely < 50


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
def test_each_kind_of_input_is_required(part: object, kind: str) -> None:
    assert with_parts({"type": "text", "text": "What is it?"}, part).inputs == {kind}


@pytest.mark.parametrize("part", ["a text", {"type": "new_kind"}, {"text": "no type"}, None, 1])
def test_a_content_part_of_an_unknown_kind_requires_nothing(part: object) -> None:
    assert with_parts(part).inputs == frozenset()


def test_tools_are_required_unless_tool_choice_is_none() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]

    assert requirements(tools=tools).tools
    assert not requirements(tools=tools, tool_choice="none").tools
    assert not requirements(tools=[]).tools


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("json_object", "json_object"), ("json_schema", "json_schema"), ("text", None), ("grammar", None)],
)
def test_json_is_required_if_response_format_requests_it(kind: str, expected: str | None) -> None:
    assert requirements(response_format={"type": kind}).json == expected


def test_outputs_other_than_text_are_required() -> None:
    assert requirements(modalities=["text", "image"]).outputs == {"image"}


def test_an_unknown_modality_is_ignored_so_that_no_receipt_repeats_it() -> None:
    assert requirements(modalities=["text", "what the caller wrote", 7, ["image"]]).outputs == frozenset()


def test_parameters_are_required_with_require_parameters() -> None:
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
def test_only_the_token_prices_of_a_max_price_are_used(value: object, price: Price | None) -> None:
    assert requirements(provider={"max_price": value}).max_price == price


def test_the_data_of_an_image_is_not_counted_as_text() -> None:
    found = with_parts(image(INLINE)).tokens

    assert IMAGE_TOKENS_LIKELY < found.likely < IMAGE_TOKENS_LIKELY + 100
    assert found.most is not None
    assert IMAGE_TOKENS_MOST < found.most < IMAGE_TOKENS_MOST + 200
    assert found.least < 100


def test_a_linked_image_counts_as_much_as_an_inline_image() -> None:
    linked, inline = with_parts(image("https://a.example/b.png")).tokens, with_parts(image(INLINE)).tokens

    assert linked.most is not None
    assert inline.most is not None
    assert abs(linked.most - inline.most) < 50


@pytest.mark.parametrize("name", ["b.pdf", "b" * 200 + ".pdf"])
def test_a_linked_file_has_no_upper_bound_of_tokens(name: str) -> None:
    part = {"type": "file", "file": {"filename": name, "file_data": "https://a.example/b.pdf"}}

    assert with_parts(part).tokens.most is None


@given(text=st.text(max_size=2_000), images=st.integers(0, 3))
def test_the_three_estimates_are_in_ascending_order(text: str, images: int) -> None:
    tokens = with_parts({"type": "text", "text": text}, *[image(INLINE)] * images).tokens

    assert tokens.most is not None
    assert all(low <= high for low, high in pairwise((tokens.least, tokens.likely, tokens.most)))


CONTENT = b'{"messages":[{"role":"user","content":"%b"}]}'


@pytest.mark.parametrize("character", ["é", "日", "😀", "+"])
def test_a_character_counts_the_same_however_it_is_written(character: str) -> None:
    escaped = "".join(f"\\u{unit:04x}" for unit in utf_16(character))
    long = "x" * 1_200_000  # a large body is read in another way

    for content in ("", long):
        plain = parse(CONTENT % (content.encode() + character.encode() * 1_000))
        written = parse(CONTENT % (content.encode() + escaped.encode() * 1_000))
        expected, found = plain.requirements.tokens.most, written.requirements.tokens.most
        assert expected is not None
        assert found is not None
        assert expected <= found <= expected + 2_000


def utf_16(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[place : place + 2]) for place in range(0, len(raw), 2)]


def test_a_backslash_before_a_letter_is_no_escape() -> None:
    raw = CONTENT % (rb"\\u" * 10_000)

    assert parse(raw).requirements.tokens.most == len(raw) - 2


@pytest.mark.parametrize("padding", ["", "x" * 1_200_000])
def test_a_text_does_not_hide_behind_media(padding: str) -> None:
    image = {"type": "image_url", "image_url": {"url": "日" * 100_000}}
    parts = [image, {"type": "text", "text": padding}]
    raw = json.dumps({"messages": [{"role": "user", "content": parts}]})

    found = parse(raw.encode()).requirements.tokens.most

    assert found is not None
    assert found > 300_000 + len(padding)


@pytest.mark.parametrize("name", ["cache_control", r"cache\u005fcontrol", r"\u0063ache_control"])
def test_a_request_for_prompt_caching_is_found_however_it_is_written(name: str) -> None:
    parts = [{"type": "text", "text": "x", "NAME": {}}]
    raw = json.dumps({"messages": [{"role": "user", "content": parts}]}).replace("NAME", name)

    assert parse(raw.encode()).requirements.writes_cache
    assert not parse(raw.replace("x", r"\u0061").replace(name, "x").encode()).requirements.writes_cache


def test_the_images_of_an_earlier_answer_are_not_counted_as_text() -> None:
    message = {"role": "assistant", "content": "Here.", "images": [image(INLINE)]}

    found = requirements(messages=[message])

    assert found.inputs == {"image"}
    assert found.tokens.likely < IMAGE_TOKENS_LIKELY + 100


def test_an_image_url_may_be_a_plain_string() -> None:
    assert with_parts({"type": "image_url", "image_url": INLINE}).tokens.likely < IMAGE_TOKENS_LIKELY + 100


@pytest.mark.parametrize(
    "fields", [{"plugins": [{"id": "context-compression"}]}, {"transforms": ["middle-out"]}]
)
def test_context_compression_and_transforms_shrink_the_prompt(fields: dict[str, object]) -> None:
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
def test_a_request_that_may_cost_more_than_its_tokens_has_fees(fields: dict[str, object]) -> None:
    assert requirements(**fields).has_fees


def test_free_plugins_and_functions_have_no_fees() -> None:
    assert not requirements(plugins=[{"id": "response-healing"}], tools=[{"type": "function"}]).has_fees


def test_cache_control_writes_to_the_prompt_cache() -> None:
    part = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}

    assert with_parts(part).writes_cache
    assert not requirements().writes_cache


@given(text=st.text(max_size=500))
def test_the_most_tokens_are_at_least_the_bytes_of_the_prompt(text: str) -> None:
    most = with_parts({"type": "text", "text": text}).tokens.most

    assert most is not None
    assert most >= len(text.encode("utf-8", "surrogatepass"))
