"""The tools with which a scripted coding agent reads and edits a file: Claude Code's and Codex's."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.answers import Json
from simulator.asked import Tool

_SPECIAL = re.compile(r"([][\\/.*^$])")  # in a pattern of sed
_SPECIAL_REPLACEMENT = re.compile(r"([\\/&])")
_PATCH = "*** Begin Patch\n*** {change}\n*** End Patch\n"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed in a file: words, and the words in their place."""

    file: str
    old: str
    new: str


def _bash(change: Change) -> Json:
    return {"command": _cat(change), "description": "Show the file"}


# In the order of preference; Codex's shell has the name that its model list asks for.
READERS: Mapping[str, Callable[[Change], Json]] = {
    "Read": lambda change: {"file_path": change.file},
    "Bash": _bash,
    "exec_command": lambda change: {"cmd": _cat(change)},
    "shell_command": lambda change: {"command": _cat(change)},
}
# The second argument is what the file says before.
EDITORS: Mapping[str, Callable[[Change, str], Json]] = {
    "Edit": lambda change, _: {
        "file_path": change.file,
        "old_string": change.old,
        "new_string": change.new,
    },
    "Write": lambda change, before: {"file_path": change.file, "content": _after(change, before)},
    "apply_patch": lambda change, before: {"input": patch(change, before)},
    "exec_command": lambda change, _: {"cmd": _sed(change)},
    "shell_command": lambda change, _: {"command": _sed(change)},
}


def edit(tool: Tool, change: Change, before: str) -> Json | str:
    """Return the arguments of the call that edits the file; a custom tool takes a patch as it is."""
    return patch(change, before) if tool.custom else EDITORS[tool.name](change, before)


def patch(change: Change, before: str) -> str:
    """Return the patch of Codex's `apply_patch` that changes the first line with the old words."""
    if not change.old:
        return _PATCH.format(change=f"Add File: {change.file}\n+{change.new}")
    line = next((line for line in before.splitlines() if change.old in line), change.old)
    changed = line.replace(change.old, change.new)
    return _PATCH.format(change=f"Update File: {change.file}\n@@\n-{line}\n+{changed}")


def _after(change: Change, before: str) -> str:
    return before.replace(change.old, change.new) if change.old else change.new


def _cat(change: Change) -> str:
    return f"cat {shlex.quote(change.file)}"


def _sed(change: Change) -> str:
    file = shlex.quote(change.file)
    if not change.old:
        return f"printf %s {shlex.quote(change.new)} > {file}"
    old, new = _SPECIAL.sub(r"\\\1", change.old), _SPECIAL_REPLACEMENT.sub(r"\\\1", change.new)
    return f"sed -i {shlex.quote(f's/{old}/{new}/g')} {file}"
