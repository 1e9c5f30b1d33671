"""A scripted coding agent: it reads the file that the prompt names, edits it, and says that it is done.

The prompt says `FILE=/path OLD=words NEW=words` (in double quotes if there are spaces in them). Which step is
next follows from the conversation alone, so another model can take over at any step.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from simulator.answers import Answer, Json, ToolCall
from simulator.asked import Asked, Said, Tool
from simulator.coder_tools import EDITORS, READERS, Change, edit
from simulator.healthy import OK, Answers, answering, call_id
from simulator.steps import Pair
from simulator.turn import Turn

_FILE = re.compile(r"\bFILE=(\S+)")
_CHANGE = r'\b{}=(?:"([^"]*)"|(\S+))'
_OLD, _NEW = re.compile(_CHANGE.format("OLD")), re.compile(_CHANGE.format("NEW"))
_ARGUMENT_PIECES = 4


@dataclass(frozen=True, slots=True)
class _Task:
    change: Change
    reader: Tool
    editor: Tool
    since: Sequence[Said]  # what followed the prompt


def coder_answer(turn: Turn) -> Answer:
    """Return the next step of the task; without a task, or without tools for it, the usual answer."""
    task = _task(turn.dialect.asked(turn.body))
    if task is None:
        return OK
    change, reader, editor = task.change, task.reader, task.editor
    called = [name for message in task.since for name in message.calls]
    results = [result for message in task.since for result in message.results]
    if results and results[-1].failed:
        return Answer(("I could not", f" change {change.file}", ": a tool failed."))
    if called.count(editor.name) > (reader.name == editor.name):
        return Answer(("Done: ", f"{change.file} now says", f" {change.new}", f" instead of {change.old}."))
    if reader.name in called:
        before = results[-1].text if results else ""
        return _calling(turn, ("I will", " change it."), editor, edit(editor, change, before))
    reading = READERS[reader.name](change)
    return _calling(turn, ("I will", " read", f" {change.file}."), reader, reading)


def judging(verdict: str | None) -> Answers:
    """Return the coder's answers with this outcome of the check of its tool calls."""
    return lambda turn: replace(coder_answer(turn), verdict=verdict)


CODER: Pair = answering(coder_answer)


def _task(asked: Asked) -> _Task | None:
    reader, editor = _first(asked, READERS), _first(asked, EDITORS)
    if reader is None or editor is None:
        return None
    for at in range(len(asked.messages) - 1, -1, -1):
        message = asked.messages[at]
        file = _FILE.search(message.text) if message.role == "user" else None
        if file:
            change = Change(file[1], _words(_OLD, message.text), _words(_NEW, message.text))
            return _Task(change, reader, editor, asked.messages[at + 1 :])
    return None


def _first(asked: Asked, names: Iterable[str]) -> Tool | None:
    return next((asked.tools[name] for name in names if name in asked.tools), None)


def _words(named: re.Pattern[str], text: str) -> str:
    found = named.search(text)
    return (found[1] or found[2] or "") if found else ""


def _calling(turn: Turn, text: tuple[str, ...], tool: Tool, arguments: Json | str) -> Answer:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    size = -(-len(written) // _ARGUMENT_PIECES)
    pieces = tuple(written[at : at + size] for at in range(0, len(written), size))
    call = ToolCall(call_id(turn), tool.name, pieces, custom=tool.custom)
    return Answer(text, tool=call, finish_reason="tool_calls")
