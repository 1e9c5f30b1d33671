"""The model list for Codex: beside OpenAI's ``data`` the member ``models``, with what Codex must know.

Codex reads no entry if one of them lacks a field. It asks with ``client_version`` in the query, if its key
comes from a command. Source: Codex CLI 0.171, as observed.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.catalog.model_list import ModelList, list_body
from gateway.catalog.query import ModelQuery
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import (
    Json,
    JsonObject,
    list_or_empty,
    number_or_none,
    object_or_empty,
    text_or_none,
)

# What a model must be able to do for an agent: call tools, and write text.
NEEDED_PARAMETER, NEEDED_OUTPUT = "tools", "text"
# What Codex shows of each level of reasoning. Source: OpenRouter "Reasoning Tokens", `effort`.
LEVELS: Mapping[str, str] = MappingProxyType({
    "low": "Answers sooner",
    "medium": "Balances speed and care",
    "high": "Thinks longer",
})  # fmt: skip  # one level a line
DEFAULT_LEVEL = "medium"
# What Codex tells a model at first. Codex takes this text in place of its own, so it cannot be empty.
INSTRUCTIONS = (
    "You are a coding agent that works in the user's directory through the tools you are given. "
    "Look before you change: read the files that matter, and follow the conventions that you find there and "
    "in files such as AGENTS.md. Keep on until the task is done, or say what you need to know. "
    "Make the smallest change that solves the cause. Change files with apply_patch if you have it. "
    "Leave alone what is not part of the task, and undo no change that is not yours. "
    "Run the tests or commands that show whether the change works. "
    "Ask before anything destructive. In the end say briefly what you did, and what you could not check."
)
# How much of a tool's output Codex sends.
OUTPUT_BYTES = 10_000


def codex_body(models: ModelList, query: ModelQuery) -> bytes:
    """Return OpenAI's list with Codex's in a member of its own, as JSON.

    Args:
        models: all models that the gateway lists, with its task routes.
        query: which models the caller may and wants to see, and in which order.
    """
    lines, total = models.select(query)
    chosen = filter(_is_shown, map(object_or_empty, map(parse_json, lines)))
    shown: list[Json] = [_as_codexs(each, place) for place, each in enumerate(chosen)]
    return b'%b,"models":%b}' % (list_body(lines, total)[:-1], to_json_bytes(shown))


def _is_shown(model: JsonObject) -> bool:
    if "gateway" in model:  # a task, whose models are the operator's choice
        return True
    outputs = list_or_empty(object_or_empty(model.get("architecture")).get("output_modalities"))
    return NEEDED_PARAMETER in list_or_empty(model.get("supported_parameters")) and NEEDED_OUTPUT in outputs


def _as_codexs(model: JsonObject, place: int) -> JsonObject:
    """Return a model or a task as Codex reads it."""
    name = str(model["id"])
    parameters = list_or_empty(model.get("supported_parameters"))
    reasons = "reasoning" in parameters or "gateway" in model
    levels: list[Json] = [{"effort": effort, "description": said} for effort, said in LEVELS.items()]
    context = number_or_none(model.get("context_length"))
    known: JsonObject = {} if not context else {"context_window": int(context)}
    return {
        "slug": name,
        "display_name": text_or_none(model.get("name")) or name,
        "description": text_or_none(model.get("description")) if "gateway" in model else None,
        "default_reasoning_level": DEFAULT_LEVEL if reasons else None,
        "supported_reasoning_levels": levels if reasons else [],
        "shell_type": "shell_command",
        "visibility": "list",
        "supported_in_api": True,
        "priority": place,
        "base_instructions": INSTRUCTIONS,
        "supports_reasoning_summaries": reasons,
        "support_verbosity": "verbosity" in parameters,
        "apply_patch_tool_type": "freeform",
        "truncation_policy": {"mode": "bytes", "limit": OUTPUT_BYTES},
        "supports_parallel_tool_calls": "parallel_tool_calls" in parameters,
        "experimental_supported_tools": [],
        **known,
    }
