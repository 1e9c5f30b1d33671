"""Inputs that are hard to read cheaply: bodies, answers, streams and paths, each of any size."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

Make: TypeAlias = Callable[[int], bytes]


def _body(value: str) -> Make:
    """Return what makes a chat body with one unknown field: an array that repeats ``value``."""

    def make(size: int) -> bytes:
        count = max(1, size // (len(value) + 1))
        return b'{"model":"a/one","messages":[{"role":"user","content":"x"}],"x":[%b]}' % (
            ",".join([value] * count).encode()
        )

    return make


def _field(name: str, item: str) -> Make:
    """Return what makes a chat body whose field ``name`` is an array that repeats ``item``."""

    def make(size: int) -> bytes:
        count = max(1, size // (len(item) + 1))
        messages = "" if name == "messages" else '"messages":[{"role":"user","content":"x"}],'
        return f'{{"model":"a/one",{messages}"{name}":[{",".join([item] * count)}]}}'.encode()

    return make


def _content(text: str) -> Make:
    """Return what makes a chat body with one message, whose text repeats ``text``, written in JSON."""

    def make(size: int) -> bytes:
        return b'{"model":"a/one","messages":[{"role":"user","content":"%b"}]}' % (
            (text * max(1, size // len(text))).encode()
        )

    return make


def _names(size: int) -> bytes:
    names = ",".join(f'"k{number:06}":1' for number in range(max(1, size // 12)))
    return b'{"model":"a/one","messages":[{"role":"user","content":"x"}],%b}' % names.encode()


def _blanks(size: int) -> bytes:
    return b'{"model":"a/one",%b"messages":[{"role":"user","content":"x"}]}' % (b" " * size)


def text_body(size: int) -> bytes:
    """Return a chat body with one message of text: the control."""
    return _content("word ")(size)


PART = '{"type":"image_url","image_url":{"url":"https://x.example/y.png"}}'
BODIES: Mapping[str, Make] = MappingProxyType(
    {
        "objects": _body("{}"),
        "arrays": _body("[]"),
        "empty_texts": _body('""'),
        "pairs": _body('{"a":0}'),
        "integers": _body("1"),
        "floats": _body("1.5"),
        "exponents": _body("1e5"),
        "huge_integers": _body("9" * 4_000),
        "deep": _body("[" * 190 + "]" * 190),
        "depth_without_end": lambda size: b"[" * size,
        "only_quotes": lambda size: b'"' * size,
        "only_backslashes": lambda size: b'{"a":"' + b"\\" * size,
        "names": _names,
        "blanks": _blanks,
        "escaped_quotes": _content('\\"'),
        "escaped_backslashes": _content("\\\\"),
        "escaped_surrogates": _content("\\ud83d\\ude00"),
        "emoji": _content("\U0001f600"),
        "brackets_in_text": _content("[{,"),
        "colons_in_text": _content('\\":[{'),
        "messages": _field("messages", '{"role":"user","content":"x"}'),
        "image_parts": _field("messages", f'{{"role":"user","content":[{PART}]}}'),
        "tools": _field("tools", '{"type":"function","function":{"name":"f","parameters":{}}}'),
        "plugins": _field("plugins", '{"id":"web"}'),
        "models": _field("models", '"a/one"'),
        "stop": _field("stop", '"x"'),
        "weights": lambda size: (
            b'{"model":"a/one","messages":[{"role":"user","content":"x"}],"gateway":{"weights":{%b}}}'
            % ",".join(f'"a/m{number:06}":1' for number in range(max(1, size // 14))).encode()
        ),
    }
)


def _answer(content: str, *, before: str = "", **fields: object) -> bytes:
    message = {"role": "assistant", "content": content}
    payload = {"id": "gen-1", "model": "a/one", "choices": [{"index": 0, "message": message}], **fields}
    return before.encode() + json.dumps(payload).encode()


def text_answer(size: int) -> bytes:
    """Return a plain answer of text: the control."""
    return _answer("word " * (size // 5))


ANSWERS: Mapping[str, Make] = MappingProxyType(
    {
        "blanks_in_json": lambda size: _answer('{"a":' + " " * size + "1}"),
        "line_ends_in_json": lambda size: _answer("```json\n" + "\n" * size + "x"),
        "fences": lambda size: _answer("```" * (size // 3)),
        "brackets": lambda size: _answer("[" * size),
        "objects_in_json": lambda size: _answer("[" + "{}," * (size // 3) + "0]"),
        "comments_first": lambda size: _answer("{}", before=": x\n" * (size // 4)),
        "blank_lines_first": lambda size: _answer("{}", before="\n" * size),
        "long_id": lambda size: _answer("{}", id="g" * size),
        "long_provider": lambda size: _answer("{}", provider="p" * size),
        "values": lambda size: _answer("{}", x=[{}] * (size // 4)),
        "nothing_but_opened": lambda size: b"[" * size,
    }
)
_START = b'data: {"id":"gen-1","model":"a/one","choices":[{"index":0,"delta":{"role":"assistant","content":"'
_END = b'"}}]}\n\ndata: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def text_stream(size: int) -> bytes:
    """Return a stream of long pieces of text: the control."""
    return (_START + b"x" * 450 + b'"}}]}\n\n') * (size // 550) + _START + b"x" + _END


STREAMS: Mapping[str, Make] = MappingProxyType(
    {
        "one_long_event": lambda size: _START + b"x" * size + _END,
        "comments_first": lambda size: b": x\n\n" * (size // 5) + _START + b"x" + _END,
        "comment_lines_first": lambda size: b": x\n" * (size // 4) + _START + b"x" + _END,
        "blank_lines_first": lambda size: b"\n" * size + _START + b"x" + _END,
        "returns_first": lambda size: b"\r" * size + _START + b"x" + _END,
        "one_comment_without_end": lambda size: b":" + b"x" * size,
        "data_lines": lambda size: b"data: \n" * (size // 7) + b"\n" + _START + b"x" + _END,
        "no_blank_line": lambda size: b"data: x\n" * (size // 8),
        "many_events": lambda size: (_START + b'x"}}]}\n\n') * (size // 120) + _START + b"x" + _END,
        "events_of_values": lambda size: (
            b'data: {"choices":[{"index":0,"delta":{"content":"x"},"y":[%b0]}]}\n\n' % (b"{}," * (size // 3))
            + _START + b"x" + _END
        ),
        "events_without_progress": lambda size: (
            b'data: {"choices":[{"delta":{"content":""}}]}\n\n' * (size // 60) + _START + b"x" + _END
        ),
    }
)  # fmt: skip  # one stream a line


def text_path(size: int) -> bytes:
    """Return a path with a long parameter that no route reads: the control."""
    return b"/v1/models?x=" + b"x" * size


PATHS: Mapping[str, Make] = MappingProxyType(
    {
        "models?q=words": lambda size: b"/v1/models?q=" + b"a+" * (size // 2),
        "models?q=one": lambda size: b"/v1/models?q=" + b"a" * size,
        "models?supported_parameters": lambda size: (
            b"/v1/models?supported_parameters=" + b"tools," * (size // 6)
        ),
        "models?&": lambda size: b"/v1/models?" + b"&" * size,
        "models?many": lambda size: b"/v1/models?" + b"a=1&" * (size // 4),
        "models?max_price": lambda size: b"/v1/models?max_price=" + b"9" * size,
        "models?offset": lambda size: b"/v1/models?offset=" + b"9" * size,
        "models?escapes": lambda size: b"/v1/models?q=" + b"%41" * (size // 3),
        "models/id": lambda size: b"/v1/models/" + b"a/" * (size // 2),
        "usage?since": lambda size: b"/v1/usage?since=" + b"9" * size,
        "slashes": lambda size: b"/v1" + b"/" * size,
    }
)
