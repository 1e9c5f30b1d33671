"""Writes and reads the messages between an isolate and a coordinator as JSON text."""

import json
from collections.abc import Iterable, Mapping
from typing import TypeVar, get_args

from gateway.coordination.messages import (
    Ask,
    Cooldown,
    Granted,
    Message,
    Refusal,
    Refused,
    Reply,
    Report,
)
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty, whole_or_none
from gateway.settings.budget import Span

# Isolates and coordinators of different versions may meet during a deployment.
VERSION = 1
SPANS: tuple[Span, ...] = get_args(Span)
REFUSALS: tuple[Refusal, ...] = get_args(Refusal)
Word = TypeVar("Word", bound=str)
MAX_ID_CHARACTERS = 64
MAX_PLACE_CHARACTERS = 1_024
# The largest whole number that a number of JavaScript holds exactly.
MAX_WHOLE = 2**53 - 1


def encode(message: Message | Reply) -> str:
    """Return a message as JSON text."""
    return json.dumps({"v": VERSION, **_fields_of(message)}, separators=(",", ":"))


def _fields_of(value: object) -> JsonObject:
    names: tuple[str, ...] = type(value).__slots__  # type: ignore[attr-defined]  # a dataclass with slots
    return {name: _json_of(getattr(value, name)) for name in names}


def _json_of(value: object) -> Json:
    if isinstance(value, tuple):
        return [_json_of(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): _json_of(each) for name, each in value.items()}
    if hasattr(type(value), "__slots__") and not isinstance(value, (str, int)) and value is not None:
        return _fields_of(value)
    return value  # type: ignore[return-value]  # all other fields are JSON's own types


def decode_message(text: str) -> Message:
    """Return what an isolate has sent.

    Raises:
        ValueError: it is no such message. The error's text has nothing of it.
    """
    fields = _read(text)
    ask = fields.get("ask")
    return Message(
        ask=None if ask is None else _ask_of(object_or_empty(ask)),
        reports=tuple(_report_of(object_or_empty(each)) for each in list_or_empty(fields.get("reports"))),
        learned=_learned_in(fields),
        seen=_whole(fields, "seen"),
    )


def decode_reply(text: str) -> Reply:
    """Return what a coordinator has answered.

    Raises:
        ValueError: it is no such reply. The error's text has nothing of it.
    """
    fields = _read(text)
    outcome = fields.get("outcome")
    return Reply(
        outcome=None if outcome is None else _outcome_of(object_or_empty(outcome)),
        spent=_by_span(fields.get("spent")),
        held=_whole(fields, "held"),
        learned=_learned_in(fields),
        seen=_whole(fields, "seen"),
    )


def _read(text: str) -> JsonObject:
    try:
        fields = object_or_empty(json.loads(text))
    except (ValueError, RecursionError):
        raise ValueError("a message is not JSON") from None
    if fields.get("v") != VERSION:
        raise ValueError("a message has another version")
    return fields


def _ask_of(fields: JsonObject) -> Ask:
    return Ask(
        id=_text(fields, "id"),
        limits=_by_span(fields.get("limits")),
        micros=_whole(fields, "micros"),
        least=_whole(fields, "least"),
        per_minute=_whole_or_none(fields, "per_minute"),
        concurrent=_whole_or_none(fields, "concurrent"),
        counts=_flag(fields, "counts"),
        lease=_flag(fields, "lease"),
        strict=_flag(fields, "strict"),
    )


def _report_of(fields: JsonObject) -> Report:
    return Report(
        id=_text(fields, "id"),
        number=_whole(fields, "number"),
        at_ms=_whole(fields, "at_ms"),
        spent=_whole(fields, "spent"),
        held=_whole(fields, "held"),
        unused=_whole(fields, "unused"),
        busy=_flag(fields, "busy"),
    )


def _learned_in(fields: JsonObject) -> tuple[Cooldown, ...]:
    return tuple(
        Cooldown(
            place=_text(each, "place", most=MAX_PLACE_CHARACTERS),
            began_ms=_whole(each, "began_ms"),
            until_ms=_whole(each, "until_ms"),
            probed_ms=_whole(each, "probed_ms"),
        )
        for each in map(object_or_empty, list_or_empty(fields.get("learned")))
    )


def _outcome_of(fields: JsonObject) -> Granted | Refused:
    if "code" not in fields:
        return Granted(
            micros=_whole(fields, "micros"),
            requests=_whole(fields, "requests"),
            for_ms=_whole(fields, "for_ms"),
        )
    span = fields.get("span")
    return Refused(
        code=_word(fields["code"], REFUSALS),
        span=_word(span, SPANS) if span else None,
        wait_ms=_whole(fields, "wait_ms"),
    )


def _by_span(value: Json) -> Mapping[Span, int]:
    fields = object_or_empty(value)
    return {_word(name, SPANS): _whole(fields, name) for name in fields}


def _word(value: Json, words: Iterable[Word]) -> Word:
    for word in words:
        if value == word:
            return word
    raise ValueError("a message has an unknown word")


def _whole(fields: JsonObject, name: str) -> int:
    whole = whole_or_none(fields.get(name))
    if whole is None or not 0 <= whole <= MAX_WHOLE:
        raise ValueError("a message lacks a whole number")
    return whole


def _whole_or_none(fields: JsonObject, name: str) -> int | None:
    return None if fields.get(name) is None else _whole(fields, name)


def _flag(fields: JsonObject, name: str) -> bool:
    flag = fields.get(name)
    if not isinstance(flag, bool):
        raise ValueError("a message lacks a flag")  # noqa: TRY004  # decoders raise ValueError
    return flag


def _text(fields: JsonObject, name: str, *, most: int = MAX_ID_CHARACTERS) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not 0 < len(text) <= most:
        raise ValueError("a message lacks a text")
    return text
