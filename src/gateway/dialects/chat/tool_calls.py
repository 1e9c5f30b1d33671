"""Brings tool calls into OpenAI's form: an id, a type, arguments as JSON, and in streams an index."""

import json

from gateway.dialects.choices import index_of
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, text_or_none

MAX_ID_CHARACTERS = 200
NO_ARGUMENTS = "{}"


def shape_calls(message: JsonObject, *, answer_id: Json) -> bool:
    """Give each call of a plain answer an id of its own, a type, and its arguments; return what changed."""
    changed = False
    ids: set[str] = set()
    for position, call in enumerate(list_or_empty(message.get("tool_calls"))):
        if isinstance(call, dict):
            changed |= _make_id_text(call)
            if not call.get("id") or call["id"] in ids:
                call["id"] = _new_id(answer_id, position)
                changed = True
            ids.add(str(call["id"]))
            changed |= _fill_type(call) | _shape_arguments(call, none=NO_ARGUMENTS)
    return changed


def _new_id(answer_id: Json, index: int) -> str:
    return f"call_{str(answer_id)[:MAX_ID_CHARACTERS]}_{index}"


def _make_id_text(call: JsonObject) -> bool:
    """Turn an id that is a number into text; any other id that is no text counts as missing."""
    call_id = call.get("id")
    if call_id is None or isinstance(call_id, str):
        return False
    is_number = isinstance(call_id, (int, float)) and not isinstance(call_id, bool)
    call["id"] = str(call_id) if is_number else None
    return True


def _fill_type(call: JsonObject) -> bool:
    if call.get("type"):
        return False
    call["type"] = "function"
    return True


def _shape_arguments(call: JsonObject, *, none: str) -> bool:
    """Turn a call's arguments into text; ``none`` stands for arguments that are missing or empty."""
    function = call.get("function")
    if not isinstance(function, dict):
        return False
    given = function.get("arguments")
    if isinstance(given, str) and (given.strip() or given == none or not none):
        return False
    is_empty = given in (None, {}, []) or isinstance(given, str)  # an empty object of PHP is []
    function["arguments"] = none if is_empty else json.dumps(given, ensure_ascii=False)
    return True


class _Call:
    """A tool call of a stream, as far as it has arrived.

    Attributes:
        index: its index in the client's stream.
        name: the name in its first piece; empty if there was none.
        id: the upstream's id; None if it gave none.
        last: the last character of its arguments that is no white space; empty if there is none.
    """

    def __init__(self, index: int, name: str) -> None:
        self.index = index
        self.name = name
        self.id: str | None = None
        self.last = ""

    def may_end_here(self) -> bool:
        """Return whether the arguments so far can be complete."""
        return self.last in ("", "}")


# More calls are not told apart: no answer has so many.
MAX_CALLS = 1_000


class CallPieces:
    """Gives the pieces of the tool calls of one choice their indexes, ids and types.

    A piece belongs to the call with its index; if it has none, to the call with its id. A piece with neither
    belongs to the call at its position among several pieces, else to the last call. But it begins a new call
    if it has a name, unless it repeats the name of a call whose arguments are incomplete. At an index that is
    taken, a piece begins a new call if it has a name and another id.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}  # by the upstream's index
        self._by_id: dict[str, _Call] = {}
        self._taken: set[int] = set()
        self._next_index = 0
        self._without_arguments: list[_Call] = []

    def __len__(self) -> int:
        """Return how many calls have begun."""
        return len(self._calls)

    def shape(self, delta: JsonObject, *, answer_id: Json) -> bool:
        """Give the pieces in a delta their form, in place; return whether anything changed."""
        changed = False
        pieces = list_or_empty(delta.get("tool_calls"))
        for position, piece in enumerate(pieces):
            if isinstance(piece, dict):
                changed |= self._shape_piece(piece, position if len(pieces) > 1 else None, answer_id)
        return changed

    def finish(self, choice: JsonObject) -> bool:
        """Add ``{}`` to the finishing chunk for each call without arguments; return whether there is one."""
        empty = [call for call in self._without_arguments if not call.last and call.name]
        self._without_arguments = []
        if not empty:
            return False
        delta = object_or_empty(choice.get("delta"))
        pieces: list[Json] = [
            {"index": call.index, "function": {"arguments": NO_ARGUMENTS}} for call in empty
        ]
        choice["delta"] = {**delta, "tool_calls": [*list_or_empty(delta.get("tool_calls")), *pieces]}
        return True

    def _shape_piece(self, piece: JsonObject, position: int | None, answer_id: Json) -> bool:
        changed = _make_id_text(piece)
        call = self._find(piece, position)
        if call is None:
            call = self._begin(piece)
            changed |= self._name_call(piece, call, answer_id)
        else:
            changed |= _drop_repeated(piece, call)
        if type(piece.get("index")) is not int or piece["index"] != call.index:
            piece["index"] = call.index
            changed = True
        changed |= _shape_arguments(piece, none="")
        arguments = object_or_empty(piece.get("function")).get("arguments")
        if isinstance(arguments, str) and (tail := arguments[-_TAIL_CHARACTERS:].rstrip()):
            call.last = tail[-1]
        return changed

    def _find(self, piece: JsonObject, position: int | None) -> _Call | None:
        """Return the call that a piece goes on with; None if it begins a new one."""
        call_id, name = text_or_none(piece.get("id")), _name_in(piece)
        by_id = self._by_id.get(call_id) if call_id else None
        index = index_of(piece.get("index"), -1)
        if len(self._calls) >= MAX_CALLS:
            return by_id or self._at.get(index) or self._calls[-1]
        if index >= 0:
            here = self._at.get(index)
            if here is None:
                return None if name else by_id
            is_same = not call_id or call_id == here.id
            # Another id without a name does not begin a call: some servers give each piece an id of its own.
            return here if is_same else by_id or (None if name else here)
        if by_id is not None or not self._calls:
            return by_id
        here = self._calls[-1] if position is None else self._at_position(position)
        is_new = here is None or (name and (call_id or name != here.name or here.may_end_here()))
        return None if is_new else here

    def _at_position(self, position: int) -> _Call | None:
        return self._calls[position] if position < len(self._calls) else None

    def _begin(self, piece: JsonObject) -> _Call:
        """Return a new call, at the upstream's index if no other call has it."""
        upstream_index = index_of(piece.get("index"), -1)
        is_free = upstream_index >= 0 and upstream_index not in self._taken
        call = _Call(upstream_index if is_free else self._next_index, _name_in(piece))
        self._calls.append(call)
        self._without_arguments.append(call)
        self._taken.add(call.index)
        self._next_index = max(self._next_index, call.index + 1)
        if upstream_index >= 0:
            self._at[upstream_index] = call
        return call

    def _name_call(self, piece: JsonObject, call: _Call, answer_id: Json) -> bool:
        """Give a call's first piece what it lacks: an id that no other call has, and a type."""
        changed = _fill_type(piece)
        call.id = text_or_none(piece.get("id"))
        if call.id is None or call.id in self._by_id:
            piece["id"] = _new_id(answer_id, call.index)
            return True
        self._by_id[call.id] = call
        return changed


# Of a piece's arguments, how much is looked at for the last character.
_TAIL_CHARACTERS = 100


def _name_in(piece: JsonObject) -> str:
    return text_or_none(object_or_empty(piece.get("function")).get("name")) or ""


def _drop_repeated(piece: JsonObject, call: _Call) -> bool:
    """Take the id, and a repeated name, out of a further piece of a call: clients join those of all pieces.

    Source: OpenAI API reference, "The chat completion chunk object": only the first piece has an id.
    """
    names = [name for name in ("id", "type") if name in piece and (name == "id" or not piece[name])]
    for name in names:
        del piece[name]
    function = piece.get("function")
    if isinstance(function, dict) and "name" in function and function["name"] in (call.name, "", None):
        del function["name"]
        return True
    return bool(names)
