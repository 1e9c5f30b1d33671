"""A scripted coding agent: it reads the file that the prompt names, edits it, and says that it is done.

The prompt says `FILE=/path OLD=words NEW=words` (in double quotes if there are spaces in them). Which step is
next follows from the conversation alone, so another model can take over at any step.
"""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.answers import Answer, Json, ToolCall
from simulator.asked import Asked, Said
from simulator.healthy import OK, Answers, answering, call_id
from simulator.steps import Pair
from simulator.turn import Turn

_FILE = re.compile(r"\bFILE=(\S+)")
_CHANGE = r'\b{}=(?:"([^"]*)"|(\S+))'
_OLD, _NEW = re.compile(_CHANGE.format("OLD")), re.compile(_CHANGE.format("NEW"))
_READERS, _EDITORS = ("Read", "Bash"), ("Edit", "Write")
_ARGUMENT_PIECES = 4


@dataclass(frozen=True, slots=True)
class _Task:
    file: str
    old: str
    new: str
    reader: str
    editor: str
    since: Sequence[Said]  # what followed the prompt


def coder_answer(turn: Turn) -> Answer:
    """Return the next step of the task; without a task, or without tools for it, the usual answer."""
    task = _task(turn.dialect.asked(turn.body))
    if task is None:
        return OK
    called = [name for message in task.since for name in message.calls]
    results = [result for message in task.since for result in message.results]
    if results and results[-1].failed:
        return Answer(("I could not", f" change {task.file}", ": a tool failed."))
    if task.editor in called:
        return Answer(("Done: ", f"{task.file} now says", f" {task.new}", f" instead of {task.old}."))
    if task.reader in called:
        before = results[-1].text if results else ""
        return _calling(turn, ("I will", " change it."), task.editor, _edit(task, before))
    return _calling(turn, ("I will", " read", f" {task.file}."), task.reader, _reading(task))


def judging(verdict: str | None) -> Answers:
    """Return the coder's answers with this outcome of the check of its tool calls."""
    return lambda turn: replace(coder_answer(turn), verdict=verdict)


CODER: Pair = answering(coder_answer)


def _task(asked: Asked) -> _Task | None:
    reader = next((name for name in _READERS if name in asked.tools), None)
    editor = next((name for name in _EDITORS if name in asked.tools), None)
    if reader is None or editor is None:
        return None
    for at in range(len(asked.messages) - 1, -1, -1):
        message = asked.messages[at]
        file = _FILE.search(message.text) if message.role == "user" else None
        if file:
            old, new = _words(_OLD, message.text), _words(_NEW, message.text)
            return _Task(file[1], old, new, reader, editor, asked.messages[at + 1 :])
    return None


def _words(named: re.Pattern[str], text: str) -> str:
    found = named.search(text)
    return (found[1] or found[2] or "") if found else ""


def _reading(task: _Task) -> Json:
    if task.reader == "Read":
        return {"file_path": task.file}
    return {"command": f"cat {shlex.quote(task.file)}", "description": "Show the file"}


def _edit(task: _Task, before: str) -> Json:
    if task.editor == "Edit":
        return {"file_path": task.file, "old_string": task.old, "new_string": task.new}
    return {"file_path": task.file, "content": before.replace(task.old, task.new) if task.old else task.new}


def _calling(turn: Turn, text: tuple[str, ...], name: str, arguments: Json) -> Answer:
    written = json.dumps(arguments)
    size = -(-len(written) // _ARGUMENT_PIECES)
    pieces = tuple(written[at : at + size] for at in range(0, len(written), size))
    return Answer(text, tool=ToolCall(call_id(turn), name, pieces), finish_reason="tool_calls")
