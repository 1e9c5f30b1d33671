"""The names of task routes for Claude Code, which lists only names with ``claude`` or ``anthropic`` in them.

Source: Claude Code 2.1 with CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1, as observed.
"""

from gateway.settings.task_routes import PREFIX

CLAUDE_PREFIX = "claude-task-"
# Claude Code 2.1 adds this to a model's name for a context of a million tokens.
CONTEXT = "[1m]"
_AUTHOR = "anthropic/"


def claude_name_of(task: str) -> str:
    """Return the name of a task route for Claude Code: ``claude-task-code`` for ``task/code``."""
    return CLAUDE_PREFIX + task.removeprefix(PREFIX)


def task_of(name: str) -> str | None:
    """Return the task that a name of Claude Code's stands for, also with its author; None if it is none."""
    bare = name.removeprefix(_AUTHOR)
    if not bare.startswith(CLAUDE_PREFIX):
        return None
    return PREFIX + without_context(bare).removeprefix(CLAUDE_PREFIX)


def without_context(name: str) -> str:
    """Return a name without the mark for a large context, which is no part of a model's name."""
    return name.removesuffix(CONTEXT)


def is_openrouters(name: str) -> bool:
    """Return whether a name has an author, as all of OpenRouter's have, and no mark behind it (``[1m]``)."""
    return "/" in name and not name.endswith("]")
