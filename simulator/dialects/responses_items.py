"""The output items of Responses: each as a whole, and as the events of a stream."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.answers import Answer, Json, ToolCall
from simulator.dialects.messages_blocks import signature
from simulator.turn import Turn

INCLUDE_ENCRYPTED = "reasoning.encrypted_content"
_ANNOTATED: Json = {"annotations": [], "logprobs": []}


@dataclass(frozen=True, slots=True)
class Item:
    """One output item.

    `added` is the item as `response.output_item.added` shows it. The events have no number, no item id and no
    index yet: those of `begins` say nothing, `deltas` are the pieces, and `ends` repeat the whole.
    """

    whole: Json
    added: Json
    begins: Sequence[Json] = ()
    deltas: Sequence[Json] = ()
    ends: Sequence[Json] = ()


def items_of(turn: Turn, answer: Answer) -> tuple[Item, ...]:
    """Return the items of an answer: reasoning, a message, a call, an image."""
    items = []
    if answer.reasoning or answer.encrypted:
        items.append(reasoning(turn, answer.reasoning, answer.encrypted or answer.signature))
    if answer.pieces:
        spoken = message(turn, answer.pieces)
        items.append(_before_a_call(spoken) if answer.tool else spoken)
    if answer.refusal:
        items.append(refusal(turn, answer.refusal))
    if answer.tool:
        items.append(call(turn, answer.tool))
    if answer.image_url:
        items.append(image(turn, answer.image_url.rpartition(",")[2]))
    return tuple(items)


def message(turn: Turn, pieces: Sequence[str], annotations: Sequence[Json] = ()) -> Item:
    """Return a message with one part of text."""
    text = "".join(pieces)
    at = {"content_index": 0}
    empty = {"type": "output_text", "text": "", **_ANNOTATED}
    part = {**empty, "text": text, "annotations": list(annotations)}
    cited = [
        {
            "type": "response.output_text.annotation.added",
            **at,
            "annotation_index": number,
            "annotation": each,
        }
        for number, each in enumerate(annotations)
    ]
    said = [{"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in pieces]
    done = {"type": "response.output_text.done", **at, "text": text, "logprobs": []}
    return _message(turn, empty, part, [*said, *cited], done)


def refusal(turn: Turn, words: str) -> Item:
    """Return a message with a refusal."""
    at = {"content_index": 0}
    said = [{"type": "response.refusal.delta", **at, "delta": words}]
    done = {"type": "response.refusal.done", **at, "refusal": words}
    empty = {"type": "refusal", "refusal": ""}
    return _message(turn, empty, {**empty, "refusal": words}, said, done)


def reasoning(turn: Turn, pieces: Sequence[str], sealed: str | None = None, *, openly: bool = False) -> Item:
    """Return reasoning: a summary, or its own text if it reasons openly.

    It is encrypted beside that if the request includes `reasoning.encrypted_content`; ``sealed`` is what then
    stands there, by default the signature of the model.
    """
    text = "".join(pieces)
    empty: Json = {"id": item_id(turn, "rs"), "type": "reasoning", "summary": []}
    kind, field, index = _OPEN if openly else _SUMMARY
    part = {"type": kind, "text": text}
    whole = {**empty, field: [part]} if pieces else empty
    if INCLUDE_ENCRYPTED in (turn.body.get("include") or ()):
        whole["encrypted_content"] = sealed or signature(turn.model, text)
    if not pieces:
        return Item(whole, empty)
    at = {index: 0}
    begin, end = ("content_part", "content_part") if openly else ("reasoning_summary_part",) * 2
    name = "response.reasoning_text" if openly else "response.reasoning_summary_text"
    return Item(
        whole,
        empty,
        [{"type": f"response.{begin}.added", **at, "part": {**part, "text": ""}}],
        [{"type": f"{name}.delta", **at, "delta": piece} for piece in pieces],
        [{"type": f"{name}.done", **at, "text": text}, {"type": f"response.{end}.done", **at, "part": part}],
    )


_SUMMARY = ("summary_text", "summary", "summary_index")
_OPEN = ("reasoning_text", "content", "content_index")


def call(turn: Turn, tool: ToolCall) -> Item:
    """Return a call of a function, or of a custom tool."""
    text = "".join(tool.arguments)
    kind, prefix, field, name = (
        ("custom_tool_call", "ctc", "input", "response.custom_tool_call_input")
        if tool.custom
        else ("function_call", "fc", "arguments", "response.function_call_arguments")
    )
    whole = {
        "id": f"{prefix}_{tool.id.removeprefix('call_')}",
        "type": kind,
        "call_id": tool.id,
        "name": tool.name,
        field: text,
        "status": "completed",
    }
    named = {} if tool.custom else {"name": tool.name}
    return Item(
        whole,
        {**whole, field: "", "status": "in_progress"},
        deltas=[{"type": f"{name}.delta", "delta": piece} for piece in tool.arguments],
        ends=[{"type": f"{name}.done", **named, field: text}],
    )


def image(turn: Turn, picture_b64: str) -> Item:
    """Return a generated image, whose first picture comes as a piece."""
    name = "response.image_generation_call"
    whole = {"id": item_id(turn, "ig"), "type": "image_generation_call", "status": "completed"}
    partial = {"partial_image_index": 0, "partial_image_b64": picture_b64, "output_format": "png"}
    return Item(
        {**whole, "result": picture_b64},
        {**whole, "status": "in_progress", "result": None},
        [{"type": f"{name}.in_progress"}, {"type": f"{name}.generating"}],
        [{"type": f"{name}.partial_image", **partial}],
        [{"type": f"{name}.completed"}],
    )


def web_search(turn: Turn, query: str) -> Item:
    """Return a search of the web."""
    name = "response.web_search_call"
    action = {"type": "search", "query": query}
    whole = {"id": item_id(turn, "ws"), "type": "web_search_call", "status": "completed", "action": action}
    return Item(
        whole,
        {**whole, "status": "in_progress"},
        [{"type": f"{name}.in_progress"}, {"type": f"{name}.searching"}],
        ends=[{"type": f"{name}.completed"}],
    )


def _before_a_call(item: Item) -> Item:
    """Return a message as models mark it that say something before a call."""
    phase = {"phase": "commentary"}
    return replace(item, whole={**item.whole, **phase}, added={**item.added, **phase})


def item_id(turn: Turn, prefix: str) -> str:
    """Return the id of the turn's item of this kind."""
    return f"{prefix}_{turn.id.rpartition('-')[2]}"


def _message(turn: Turn, empty: Json, part: Json, said: Sequence[Json], done: Json) -> Item:
    whole = {"id": item_id(turn, "msg"), "type": "message", "role": "assistant", "status": "completed"}
    at = {"content_index": 0}
    return Item(
        {**whole, "content": [part]},
        {**whole, "status": "in_progress", "content": []},
        [{"type": "response.content_part.added", **at, "part": empty}],
        said,
        [done, {"type": "response.content_part.done", **at, "part": part}],
    )
