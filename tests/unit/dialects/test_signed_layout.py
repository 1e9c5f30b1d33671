"""Tests that taking signed parts out of a body changes nothing else of its text."""

import copy
import json
from json import JSONDecoder
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.signed_reasoning import SIGNED as CHAT
from gateway.dialects.messages.signed_thinking import SIGNED as MESSAGES
from gateway.dialects.signed_layout import SignedLayout
from gateway.dialects.signed_parts import SignedForm, signed_parts_in
from gateway.http import json_members, long_strings
from gateway.http.json_members import Members, read_members

OTHERS: dict[str, Any] = {"model": "a/one", "x": ["é" * 30, 1.50]}
FORMS = pytest.mark.parametrize("form", [CHAT, MESSAGES], ids=["chat", "messages"])
WRITTEN = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t"), ("\r,", "\n:")])
TEXTS = st.text(max_size=5) | st.sampled_from(
    ['"signature":"x"', "],[", "\\", "日本", "x" * 1_500, "é" * 800, "\n日" * 700]
)
PARTS = st.one_of(
    st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "s" + text}, TEXTS),
    st.builds(lambda text: {"type": "redacted_thinking", "data": "s" + text}, TEXTS),
    st.builds(lambda text: {"type": "reasoning.text", "text": text, "signature": "s"}, TEXTS),
    st.builds(lambda text: {"data": "s", "type": "reasoning.encrypted", "x": [text, {"a": [1, {}]}]}, TEXTS),
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.sampled_from([{"type": "thinking", "signature": None}, None, 7, "signature", [], {}]),
)
LISTS = st.lists(PARTS, max_size=4) | TEXTS
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "content": LISTS | st.none(),
    "reasoning_details": LISTS,
    "name": TEXTS,
    "tool_calls": LISTS,
}
MESSAGES_OF = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"])}, optional=OPTIONAL),
    min_size=1,
    max_size=5,
)
BODIES = st.builds(
    lambda messages, is_last: (
        {**OTHERS, "messages": messages} if is_last else {"messages": messages, **OTHERS}
    ),
    MESSAGES_OF,
    st.booleans(),
)


def members_of(raw: bytes) -> Members:
    return read_members(raw, JSONDecoder())[1].without(())


def expected_of(messages: list[Any], gone: set[tuple[int, int]], form: SignedForm) -> list[Any]:
    """Return the messages without these parts, and without messages that have nothing left."""
    kept = []
    for number, message in enumerate(copy.deepcopy(messages)):
        places = {place for where, place in gone if where == number}
        if places:
            rest = [part for place, part in enumerate(message[form.list_name]) if place not in places]
            beside = {**message, form.list_name: None, "role": None, "name": None}
            if not rest and (form.is_all or not any(beside.values())):
                continue
            message[form.list_name] = rest
            if not rest:
                del message[form.list_name]
        kept.append(message)
    return kept


@FORMS
@given(body=BODIES, separators=WRITTEN, ascii_only=st.booleans(), is_large=st.booleans(), data=st.data())
def test_what_is_left_is_the_body_without_these_parts(  # noqa: PLR0917  # what hypothesis draws
    form: SignedForm,
    body: dict[str, Any],
    separators: tuple[str, str],
    ascii_only: bool,
    is_large: bool,
    data: st.DataObject,
) -> None:
    messages = body["messages"]
    raw = json.dumps(body, separators=separators, ensure_ascii=ascii_only).encode()
    signed = signed_parts_in(messages, members_of(raw), form)
    chosen = data.draw(st.sets(st.integers(0, len(signed) - 1)) if signed else st.just(set[int]()))
    with pytest.MonkeyPatch.context() as patch:
        if is_large:  # long strings are left out, and escapes too
            patch.setattr(json_members, "LARGE_BYTES", 4)
            patch.setattr(long_strings, "LONG_BYTES", 32)
        fields = members_of(raw)
        cut = SignedLayout(fields, signed, form).without(tuple(sorted(chosen)))

    gone = {(signed[each].message, signed[each].place) for each in chosen}
    assert json.loads(b"{%b}" % cut.text) == {**body, "messages": expected_of(messages, gone, form)}
    assert {name: cut.value(name) for name in OTHERS} == OTHERS
    assert cut.views().keys() == fields.views().keys()
    if not gone:
        assert cut.text == fields.text


@FORMS
def test_no_byte_changes_but_those_of_the_parts(form: SignedForm) -> None:
    name = form.list_name
    part = {
        "reasoning_details": b'{"signature" :"s", "x":[1]}',
        "content": b'{"type":"thinking" ,"signature":"s"}',
    }[name]
    around = b'{"a" : 1.0,\n"messages" :[ {"role":"x" , "%b" :[ %b ] ,"z":1e2} ,\t{} ], "b": "\\u00e9"}'
    both = around % (name.encode(), b'{"text": 1} ,\n' + part + b" , [2 ]")
    fields = members_of(both)
    signed = signed_parts_in(json.loads(both)["messages"], fields, form)

    cut = SignedLayout(fields, signed, form).without((0,))

    assert b"{%b}" % cut.text == around % (name.encode(), b'{"text": 1} , [2 ]')
