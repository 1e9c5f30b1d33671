"""Describes in a few words what a caller got, from the bytes that arrived; nothing is classified by hand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.compare.ask import Call, Got
from bench.compare.situations import ANSWER, CALLER_TIMEOUT_S, Situation

WORTH_SAYING_S = 1.0
ACCOUNT = b"user_2x"
"""The start of the account's id, which the simulator puts into its errors, as OpenRouter does."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a client reads from an event stream."""

    text: str
    finish: str | None
    is_done: bool
    has_error: bool


def verdict(situation: Situation, got: Got, calls: Sequence[Call]) -> str:
    """Return what the caller got in a situation; ``calls`` are the calls upstream some time later."""
    if situation.leaves:
        return _after_leaving(situation, calls)
    if got.ending == "out of patience":
        return _waiting(situation, got)
    words = [_reply(situation, got)]
    if situation.is_hopeless:
        words += _of_a_failure(situation, got, calls)
    if any(call.model == situation.first and call.outcome == "open" for call in calls):
        words.append("the first call goes on upstream")
    if got.seconds >= WORTH_SAYING_S:
        words.append(f"after {got.seconds:.0f} s")
    return ", ".join(words)


def read_stream(body: bytes) -> Streamed:
    """Return what the events contain; an event that no client could read counts as an error."""
    text, finish, is_done, has_error = "", None, False, False
    for line in body.decode(errors="replace").splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:"):
            continue
        if data == "[DONE]":
            is_done = True
            continue
        event = _json(data.encode())
        has_error = has_error or event is None or bool(event.get("error"))
        for choice in _choices(event):
            text += (choice.get("delta") or {}).get("content") or ""
            finish = choice.get("finish_reason") or finish
    return Streamed(text, finish, is_done, has_error)


def _waiting(situation: Situation, got: Got) -> str:
    said = read_stream(got.body).text if situation.stream else ""
    return f"{'part of the text, then ' if said else ''}nothing for {CALLER_TIMEOUT_S:.0f} s"


def _reply(situation: Situation, got: Got) -> str:
    if got.status is None:
        return "the connection breaks"
    if got.status >= 400:
        return f"status {got.status}"
    if situation.stream:
        return _stream(got)
    if got.ending == "broken":
        return "half an answer, the connection breaks"
    return _plain(got.body)


def _plain(body: bytes) -> str:
    payload = _json(body)
    if payload is None:
        return "status 200 with what is no JSON"
    contents = [(choice.get("message") or {}).get("content") for choice in _choices(payload)]
    if ANSWER in contents:
        return "answered by B"
    if payload.get("error"):
        return "status 200 with the error"
    return "status 200 with an answer without text" if not any(contents) else "status 200 with another text"


def _stream(got: Got) -> str:
    seen = read_stream(got.body)
    if seen.has_error:
        return "part of the text, then an error event" if seen.text else "status 200, then an error event"
    if seen.text.endswith(ANSWER) and seen.finish:
        return "answered by B" if seen.text == ANSWER else "part of the text, then all of B's"
    if not seen.text:
        is_cut_off = got.ending == "broken"
        return "the connection breaks" if is_cut_off else "status 200 and a stream without text"
    return _ending(seen, got)


def _ending(seen: Streamed, got: Got) -> str:
    """Return how a stream ends that has only a part of the text."""
    if got.ending == "broken":
        return "part of the text, then the connection breaks"
    if seen.finish == "error":
        return "part of the text, then `finish_reason: error`"
    last = f"`{seen.finish}`" if seen.finish else "`[DONE]`" if seen.is_done else "a clean end"
    return f"looks whole: part of the text, then {last}"


def _of_a_failure(situation: Situation, got: Got, calls: Sequence[Call]) -> list[str]:
    said = got.body.decode(errors="replace")
    names = sum(model in said for model in (situation.first, situation.then))
    words = [("neither model is named", "one model is named", "both models are named")[names]]
    pause, again = got.headers.get("retry-after"), got.headers.get("x-should-retry")
    words += [f"`Retry-After: {pause}`"] if pause else []
    words += [f"`x-should-retry: {again}`"] if again else []
    words += [] if pause or again else ["no advice on trying again"]
    words += ["shows the account's id"] if ACCOUNT in got.body else []
    return [*words, f"{len(calls)} call{'' if len(calls) == 1 else 's'} upstream"]


def _after_leaving(situation: Situation, calls: Sequence[Call]) -> str:
    outcomes = [call.outcome for call in calls if call.model == situation.first]
    if not outcomes:
        return "was never asked"
    return "goes on upstream" if "open" in outcomes or "answered" in outcomes else "ended upstream"


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _choices(payload: dict[str, Any] | None) -> list[dict[str, Any]]:
    choices = payload.get("choices") if payload else None
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
