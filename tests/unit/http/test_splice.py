import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.splice import splice

MESSAGES = '"messages":[{"role":"user","content":"Hi"}]'
NAMES = st.sampled_from(["model", "messages", "user", "seed", "stop", "x-model", 'a"model":"b"', "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["model", '"model":"x",', "\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(NAMES, VALUES, min_size=1).map(lambda body: {**body, "model": "a/one"})


def spliced(text: str) -> bytes | None:
    raw = text.encode()
    return splice(raw, json.loads(raw))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'{{"model":"a/one",{MESSAGES},"seed":1}}', id="first"),
        pytest.param(f'{{"seed":1,"model":"a/one",{MESSAGES}}}', id="in the middle"),
        pytest.param(f'{{"seed":1,{MESSAGES},"model":"a/one"}}', id="last"),
        pytest.param(f'{{"seed":1,{MESSAGES}}}', id="absent"),
        pytest.param('{"model":"a/one","plugins":[{"model":"b"}]}', id="first, and a nested key"),
        pytest.param(f'\n{{ "seed" : 1 ,\n "model" : "a/one" ,\n {MESSAGES} }}\n', id="with whitespace"),
        pytest.param(f'{{ "seed" : 1 , {MESSAGES} ,\n "model" : "a/one" \n}} ', id="last, with whitespace"),
        pytest.param(
            f'{{"model":"a/one","user":"say \\"model\\":\\"b\\",",{MESSAGES},"seed":1}}', id="in a string"
        ),
    ],
)
def test_the_result_is_the_body_without_its_model(text: str) -> None:
    body = json.loads(text)
    found = spliced(text)

    assert found is not None
    assert json.loads(b'{"model":"b/two",' + found) == {**body, "model": "b/two"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"model":"a/one"}', id="no other field"),
        pytest.param('{"plugins":[{"model":"b"}],"model":"a/one"}', id="a nested key before"),
        pytest.param('{"seed":1,"model":"a/one","plugins":[{"model":"b"}]}', id="a nested key after"),
        pytest.param('{"mod\\u0065l":"a/one","seed":1}', id="an escaped key"),
        pytest.param('{"model":"a\\/one","seed":1}', id="an escaped name"),
        pytest.param('{"model":null,"seed":1}', id="null"),
        pytest.param('{"user":"model","model":"a/one","seed":1}', id="a value that looks like the key"),
        pytest.param('{"model":"a/one","user":"\\u00e9"}', id="a text with unicode escapes"),
    ],
)
def test_the_result_is_none_if_the_text_is_unsafe(text: str) -> None:
    assert spliced(text) is None


@given(BODIES, st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]), st.booleans())
def test_the_result_is_correct_or_none(
    body: dict[str, object], separators: tuple[str, str], ascii_only: bool
) -> None:
    try:
        raw = json.dumps(body, separators=separators, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return

    found = splice(raw, json.loads(raw))

    if found is not None:
        assert json.loads(b'{"model":"b/two",' + found) == {**body, "model": "b/two"}
