"""Counts the lines of each dialect, by what they do: so much must a new dialect write."""

from collections.abc import Mapping
from pathlib import Path

from scripts.tools import ROOT

DIALECTS = ROOT / "src" / "gateway" / "dialects"
NAMES = (
    *("chat", "messages", "responses", "completions", "embeddings", "rerank"),
    *("images", "transcriptions", "speech"),
)
# The modules of each part, in all dialects.
PARTS: Mapping[str, tuple[str, ...]] = {
    "the description itself": ("dialect",),
    "reading a request: fields, models, requirements, media, headers": (
        *("fields", "parse", "parse_form", "requirements", "media", "headers", "direct_members"),
        *("spaces", "expected"),
    ),
    "an agent's repeated calls": ("repetition",),
    "signed reasoning": ("signed_reasoning", "note_signatures", "signed_thinking", "signed_items"),
    "a plain answer: is it usable, its form": (
        *("answer", "answer_checks", "answer_shape", "json_answer", "content", "shape"),
        *("usage", "told", "safeguards", "tool_calls", "items", "vector"),
    ),
    "a stream: up to the commit, each event, its end": (
        *("opening", "stream", "chunk_shape", "chunk_form", "text_form", "blocks", "ending"),
        *("message_start", "said", "numbers", "open_items", "open_parts", "complete_items", "progress"),
    ),
    "a stream that continues another": ("continued", "text_so_far"),
    "a stream put together to a plain answer": ("assemble", "assembled", "assembly"),
    "errors: as a body, as an event, in upstream's words": (
        *("errors", "error_event", "error_events", "codex_errors"),
        *("key_words", "reported_errors"),
    ),
    "what may be cached": ("cacheable", "parts"),
}


def sizes_table() -> str:
    """Return the table.

    Raises:
        ValueError: a module belongs to no part.
    """
    rows = [f"| part | {' | '.join(f'lines in `{name}`' for name in NAMES)} |", f"|---|{'---|' * len(NAMES)}"]
    totals = [0 for _ in NAMES]
    for part, modules in PARTS.items():
        lines = [sum(_lines(DIALECTS / name / f"{module}.py") for module in modules) for name in NAMES]
        totals = [total + each for total, each in zip(totals, lines, strict=True)]
        rows.append(f"| {part} | {' | '.join(map(str, lines))} |")
    rows.append(f"| all | {' | '.join(map(str, totals))} |")
    _check_complete()
    return "\n".join(rows) + "\n"


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


def _check_complete() -> None:
    known = {module for modules in PARTS.values() for module in modules}
    found = {path.stem for name in NAMES for path in (DIALECTS / name).glob("*.py")} - {"__init__"}
    if unknown := sorted(found - known):
        raise ValueError(f"these modules of dialects belong to no part: {', '.join(unknown)}")
