"""Signed reasoning in each dialect: as a model sends it, and as a client sends it back."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support import chunks
from tests.support.speech import CHAT, MESSAGES, Speech, named_event
from tests.support.upstream import Act, reply, stream
from tests.support.world import PROMPT

Message = dict[str, Any]
USER: Message = {"role": "user", "content": PROMPT}
REFUSAL = "messages.1.content.0: Invalid `signature` in `thinking` block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """One dialect whose models sign their reasoning.

    Attributes:
        speech: the dialect.
        part: returns a part with a signature; "" is an empty one, None none at all.
        hidden: returns a part that is nothing but encrypted.
        said: returns a message with these parts and a text; None: without one.
        parts_in: returns the parts in a message.
        events: returns the events of a stream with the pieces of a signature.
    """

    speech: Speech
    part: Callable[[str | None], Message]
    hidden: Callable[[str], Message]
    said: Callable[[list[Message], str | None], Message]
    parts_in: Callable[[Message], list[Message]]
    events: Callable[..., list[bytes]]

    def turn(self, *signatures: str, text: str | None = "An answer.") -> Message:
        """Return a message with a part for each signature."""
        return self.said([*map(self.part, signatures)], text)

    def talk(self, *turns: Message) -> list[Message]:
        """Return the messages of a conversation in which a user follows each turn."""
        return [USER, *(each for turn in turns for each in (turn, USER))]

    def answers(self, *signatures: str) -> Act:
        """Return an act: a plain answer with signed reasoning."""
        body = self.speech.plain("Hello.")
        holder = body["choices"][0]["message"] if self.speech is CHAT else body
        signed = self.turn(*signatures, text=None)
        if self.speech is CHAT:
            holder["reasoning_details"] = signed["reasoning_details"]
        else:
            holder["content"] = [*signed["content"], *body["content"]]
        return reply(200, json.dumps(body).encode())

    def streams(self, *pieces: str) -> Act:
        """Return an act: a stream with a signature that comes in these pieces."""
        return stream(*self.events(*pieces))

    def refuses(self, message: str = REFUSAL, **headers: str) -> Act:
        """Return an act: the refusal of a signature."""
        return self.speech.fails(400, message, **headers)

    def signatures_in(self, body: Message) -> list[str]:
        """Return the signatures in a request's body, in order."""
        parts = [part for message in body["messages"] for part in self.parts_in(message)]
        return [found for part in parts if (found := part.get("signature") or part.get("data"))]


def _detail(signature: str | None) -> Message:
    return {"type": "reasoning.text", "text": "Hm.", "signature": signature, "format": "unknown", "index": 0}


def _chat_message(parts: list[Message], text: str | None) -> Message:
    return {"role": "assistant", "content": text, "reasoning_details": parts}


def _chat_events(*pieces: str) -> list[bytes]:
    details = [[{**_detail(piece), "text": ""}] for piece in pieces]
    signed = [chunks.chunk({"content": "", "reasoning_details": each}) for each in details]
    thought = chunks.chunk({"content": "", "reasoning_details": [_detail(None)]})
    return [*CHAT.opening, thought, *signed, chunks.text("Hello."), *CHAT.closing]


def _block(signature: str | None) -> Message:
    return {"type": "thinking", "thinking": "Hm."} | ({} if signature is None else {"signature": signature})


def _messages_message(parts: list[Message], text: str | None) -> Message:
    said = [] if text is None else [{"type": "text", "text": text}]
    return {"role": "assistant", "content": [*parts, *said]}


def _messages_events(*pieces: str) -> list[bytes]:
    def begin(index: int, **block: str) -> bytes:
        return named_event({"type": "content_block_start", "index": index, "content_block": block})

    def add(index: int, **delta: str) -> bytes:
        return named_event({"type": "content_block_delta", "index": index, "delta": delta})

    def end(index: int) -> bytes:
        return named_event({"type": "content_block_stop", "index": index})

    return [
        MESSAGES.opening[0],
        begin(0, type="thinking", thinking="", signature=""),
        add(0, type="thinking_delta", thinking="Hm."),
        *(add(0, type="signature_delta", signature=piece) for piece in pieces),
        end(0),
        begin(1, type="text", text=""),
        add(1, type="text_delta", text="Hello."),
        end(1),
        *MESSAGES.closing[1:],
    ]


SIGNINGS = (
    Signing(
        speech=CHAT,
        part=_detail,
        hidden=lambda data: {"type": "reasoning.encrypted", "data": data, "format": "unknown"},
        said=_chat_message,
        parts_in=lambda message: message.get("reasoning_details") or [],
        events=_chat_events,
    ),
    Signing(
        speech=MESSAGES,
        part=_block,
        hidden=lambda data: {"type": "redacted_thinking", "data": data},
        said=_messages_message,
        parts_in=lambda message: [each for each in message["content"] if isinstance(each, dict)],
        events=_messages_events,
    ),
)
