"""The requests of a coding agent, filled to a size: instructions, a dozen tools, and many tool calls.

The same conversation exists in the form of Messages and in the form of chat. Its shape is that of Claude
Code: cached system blocks, tools with schemas, signed thinking, and files as the results of tools. It runs
in Pyodide too.
"""

import base64
import json
from collections.abc import Callable, Iterator
from hashlib import sha512
from typing import Any, TypeAlias

from bench.bodies import WORD

Part: TypeAlias = dict[str, Any]
ToBody: TypeAlias = Callable[[str, list[Part]], Part]

TOOLS = (
    *("Bash", "Read", "Edit", "Write", "Glob", "Grep"),
    *("Task", "WebFetch", "WebSearch", "TodoWrite", "Ask", "Skill"),
)
CACHED: Part = {"cache_control": {"type": "ephemeral"}}
THINKS_EVERY = 4
"""One turn of so many begins with thinking."""
QUESTION = "Go on."


def messages_body(size_bytes: int, model: str) -> bytes:
    """Return a Messages request that has this size and asks for a stream."""
    return _filled(size_bytes, model, _messages, _messages_turn)


def short_messages_body(model: str) -> bytes:
    """Return a Messages request with a short prompt that asks for a stream."""
    question = [{"role": "user", "content": WORD * 3 + QUESTION}]
    return _dump({"model": model, "messages": question, "max_tokens": 32_000, "stream": True})


def chat_body(size_bytes: int, model: str) -> bytes:
    """Return a chat request that has this size and asks for a stream, with the same conversation."""
    return _filled(size_bytes, model, _chat, _chat_turn)


def _filled(size_bytes: int, model: str, to_body: ToBody, turn_of: Callable[[int], list[Part]]) -> bytes:
    """Return a body with as many turns as fit. The first message is as long as the rest of the size."""
    messages: list[Part] = [{"role": "user", "content": QUESTION}]
    length = len(_dump(to_body(model, messages)))
    for number in range(size_bytes):
        turn = turn_of(number)
        length += sum(len(_dump(message)) + 1 for message in turn)
        if length > size_bytes:
            break
        messages += turn
    left = size_bytes - len(_dump(to_body(model, messages)))
    messages[0]["content"] = WORD * (left // len(WORD)) + " " * (left % len(WORD)) + QUESTION
    return _dump(to_body(model, messages))


def _messages(model: str, messages: list[Part]) -> Part:
    tools = [
        {"name": name, "description": _instructions(12), "input_schema": _schema()} for name in TOOLS[:-1]
    ]
    last = {"name": TOOLS[-1], "description": _instructions(12), "input_schema": _schema(), **CACHED}
    texts = ("You are a coding agent.", _instructions(60), _instructions(60))
    return {
        "model": model,
        "messages": messages,
        "system": [{"type": "text", "text": text, **CACHED} for text in texts],
        "tools": [*tools, last],
        "metadata": {"user_id": '{"device_id":"bench","session_id":"0f1e2d3c-bench"}'},
        "max_tokens": 32_000,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "medium"},
        "stream": True,
    }


def _messages_turn(number: int) -> list[Part]:
    blocks: list[Part] = [
        {"type": "text", "text": "I read the next file."},
        {"type": "tool_use", "id": _call_id(number), "name": "Read", "input": _arguments(number)},
    ]
    if number % THINKS_EVERY == 0:
        thinking = "The next file may say more. " * 10
        blocks = [{"type": "thinking", "thinking": thinking, "signature": _signature(number)}, *blocks]
    result = {"type": "tool_result", "tool_use_id": _call_id(number), "content": _file(number)}
    return [{"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}]


def _chat(model: str, messages: list[Part]) -> Part:
    functions = ({"name": name, "description": _instructions(12), "parameters": _schema()} for name in TOOLS)
    texts = ("You are a coding agent.", _instructions(60), _instructions(60))
    system = {"role": "system", "content": [{"type": "text", "text": text, **CACHED} for text in texts]}
    return {
        "model": model,
        "messages": [system, *messages],
        "tools": [{"type": "function", "function": function} for function in functions],
        "user": "bench",
        "max_tokens": 32_000,
        "reasoning": {"effort": "medium"},
        "stream": True,
    }


def _chat_turn(number: int) -> list[Part]:
    function = {"name": "Read", "arguments": json.dumps(_arguments(number))}
    call = {"id": _call_id(number), "type": "function", "function": function}
    said: Part = {"role": "assistant", "content": "I read the next file.", "tool_calls": [call]}
    if number % THINKS_EVERY == 0:
        thinking = "The next file may say more. " * 10
        said["reasoning_details"] = [
            {"type": "reasoning.text", "text": thinking, "signature": _signature(number), "index": 0}
        ]
    return [said, {"role": "tool", "tool_call_id": _call_id(number), "content": _file(number)}]


def _call_id(number: int) -> str:
    return f"toolu_01Bench{number:012}"


def _arguments(number: int) -> Part:
    return {"file_path": f"/home/user/project/src/module_{number}.py", "offset": 1, "limit": 60}


def _schema() -> Part:
    texts = {name: {"type": "string", "description": _instructions(2)} for name in ("path", "text", "mode")}
    count = {"type": "integer", "minimum": 0, "description": _instructions(2)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            **texts,
            "limit": count,
            "kinds": {"type": "array", "items": {"enum": ["a", "b", "c"]}},
        },
        "required": ["path"],
        "additionalProperties": False,
    }


def _instructions(lines: int) -> str:
    return "".join(
        f'- Never {WORD}ipsum a `tool` without "quotes", unless {number}.\n' for number in range(lines)
    )


def _file(number: int) -> str:
    """Return a file of 4 KB, with its lines numbered."""
    return "".join(_lines(number, 60))


def _lines(number: int, count: int) -> Iterator[str]:
    for line in range(1, count + 1):
        yield f'{line:6}→result = {WORD}and {{"name": "dolor-{number}", "at": [{line}, 2]}}\n'


def _signature(number: int) -> str:
    """Return a signature of 400 characters, another one for each number."""
    digests = (sha512(b"%d-%d" % (number, part)).digest() for part in range(5))
    return base64.b64encode(b"".join(digests)[:300]).decode()


def _dump(value: Part) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
