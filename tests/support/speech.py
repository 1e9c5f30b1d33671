"""Speaks each dialect as a client and as OpenRouter do, so that one test holds for all of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support import chunks, responses
from tests.support.upstream import Act, Step, reply, stream
from tests.support.world import PROMPT, TOKEN, Answer, World, finish

COST_USD = chunks.COST_USD
ALL = frozenset({"stream", "watch", "pay_twice", "continue", "other_model", "text", "messages", "agent"})
MESSAGES_CONTENT: dict[str, object] = {"messages": [{"role": "user", "content": PROMPT}]}


def nothing(_: object) -> Any:  # noqa: ANN401  # it stands for functions of any type
    """Fail: a dialect that never streams has no such thing."""
    raise NotImplementedError


def named_event(payload: dict[str, Any]) -> bytes:
    """Return an event of Messages: its name is the payload's type."""
    return b"event: %b\n" % payload["type"].encode() + chunks.event(payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """One dialect, as its clients and OpenRouter speak it.

    Attributes:
        name: the dialect's name.
        path: where clients send requests.
        upstream_path: where OpenRouter gets them.
        can: what it can do: ``stream``, ``watch`` a plain answer, ``pay_twice`` for a request, ``continue`` a
            stream, ``other_model`` as a fallback, ``text``, ``messages``, ``agent`` with tools.
        content: what a request asks: the fields without which it is refused.
        fields: further fields that every request has, beside the models.
        opening: the events of a stream before its first text.
        text: returns the event with a piece of text.
        closing: the events after the last text of a complete stream. Of a dialect that never streams, nothing
            of streams is set.
        plain: returns the body of a plain answer with a text.
        refused: returns the body of an error with a status and a message.
        text_in: returns the text that a client reads from a plain answer's body.
        texts_in: returns the text that a client reads from a stream's payloads.
        is_complete: whether a client takes a stream's payloads for a complete answer.
        error_in: returns the error in the payloads of a stream; None if there is none.
        answer_member: the member of a stream's payloads that has the answer; None: the payload is it.
        repeated_call: returns the messages of an agent that has made the same tool call so many times.
    """

    name: str
    path: str
    upstream_path: str
    can: frozenset[str] = ALL
    content: dict[str, object] = field(default_factory=lambda: {**MESSAGES_CONTENT})
    fields: dict[str, object] = field(default_factory=dict)
    opening: tuple[bytes, ...] = ()
    text: Callable[[str], bytes] = nothing
    closing: tuple[bytes, ...] = ()
    plain: Callable[[str], dict[str, Any]]
    refused: Callable[[int, str], dict[str, Any]]
    text_in: Callable[[dict[str, Any]], str]
    texts_in: Callable[[list[Any]], str] = nothing
    is_complete: Callable[[list[Any]], bool] = nothing
    error_in: Callable[[list[Any]], dict[str, Any] | None] = nothing
    answer_member: str | None = None
    repeated_call: Callable[[int], list[dict[str, Any]]] = nothing

    def body(self, *models: str, stream: bool = False, **given: object) -> dict[str, object]:
        """Return the body of a request."""
        body: dict[str, object] = {**self.content, **self.fields, **given}
        return body | ({"models": list(models)} if models else {}) | ({"stream": True} if stream else {})

    def answer_of(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return what has the usage and the receipt of the answer in a stream's payload; empty if nothing."""
        found = payload.get(self.answer_member, {}) if self.answer_member else payload
        return found if isinstance(found, dict) else {}

    async def ask(
        self,
        world: World,
        *models: str,
        headers: dict[str, str] | None = None,
        stream: bool = False,
        **given: object,
    ) -> Answer:
        """Return the complete answer to a request."""
        sent = {"authorization": f"Bearer {TOKEN}", **(headers or {})}
        return await finish(
            await world.begin(self.body(*models, stream=stream, **given), path=self.path, headers=sent)
        )

    def answers(self, text: str = "Hello.") -> Act:
        """Return an act: a plain answer."""
        return reply(200, json.dumps(self.plain(text)).encode())

    def streams(self, *texts: str) -> Act:
        """Return an act: a complete stream."""
        return stream(*self.opening, *map(self.text, texts), *self.closing)

    def breaks_off(self, *texts: str, end: Step = b"") -> Act:
        """Return an act: a stream that ends after these texts."""
        return stream(*self.opening, *map(self.text, texts), end)

    def fails(self, status: int, message: str = "Provider returned error", **headers: str) -> Act:
        """Return an act: an error in the dialect's form."""
        return reply(status, json.dumps(self.refused(status, message)).encode(), **headers)


def _refused(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message}}


def _chat_error_in(payloads: list[Any]) -> dict[str, Any] | None:
    return next((each["error"] for each in payloads if each != "[DONE]" and "error" in each), None)


def _chat_calls(count: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": PROMPT}]
    for place in range(count):
        function = {"name": "read", "arguments": '{"path": "a"}'}
        call = {"id": f"call_{place}", "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"call_{place}", "content": "no news"},
        ]
    return messages


CHAT = Speech(
    name="chat",
    path="/v1/chat/completions",
    upstream_path="/api/v1/chat/completions",
    opening=(chunks.ROLE,),
    text=chunks.text,
    closing=(chunks.STOP, chunks.USAGE, chunks.DONE),
    plain=lambda text: {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1_795_338_000,
        "model": "served/one",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": COST_USD},
    },
    refused=_refused,
    text_in=lambda body: str(body["choices"][0]["message"]["content"]),
    texts_in=chunks.text_in,
    is_complete=lambda payloads: payloads[-1] == "[DONE]",
    error_in=_chat_error_in,
    repeated_call=_chat_calls,
)

_MESSAGE = {
    "id": "gen-1",
    "type": "message",
    "role": "assistant",
    "model": "served/one",
    "stop_sequence": None,
}
# OpenRouter's types of errors in Messages, by status.
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def _text_delta(text: str) -> bytes:
    delta = {"type": "text_delta", "text": text}
    return named_event({"type": "content_block_delta", "index": 0, "delta": delta})


def _messages_texts(payloads: list[Any]) -> str:
    deltas = [each["delta"] for each in payloads if each["type"] == "content_block_delta"]
    return "".join(delta.get("text", "") for delta in deltas)


def _messages_error_in(payloads: list[Any]) -> dict[str, Any] | None:
    return next((each["error"] for each in payloads if each["type"] == "error"), None)


def _messages_calls(count: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": PROMPT}]
    for place in range(count):
        call = {"type": "tool_use", "id": f"toolu_{place}", "name": "read", "input": {"path": "a"}}
        result = {"type": "tool_result", "tool_use_id": f"toolu_{place}", "content": "no news"}
        messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return messages


MESSAGES = Speech(
    name="messages",
    path="/v1/messages",
    upstream_path="/api/v1/messages",
    fields={"max_tokens": 1_000},
    opening=(
        named_event(
            {
                "type": "message_start",
                "message": {
                    **_MESSAGE,
                    "content": [],
                    "stop_reason": None,
                    "usage": {"input_tokens": 3, "output_tokens": 0},
                },
            }
        ),
        named_event(
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            }
        ),
    ),
    text=_text_delta,
    closing=(
        named_event({"type": "content_block_stop", "index": 0}),
        named_event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"input_tokens": 3, "output_tokens": 2, "cost": COST_USD},
            }
        ),
        named_event({"type": "message_stop"}),
    ),
    plain=lambda text: {
        **_MESSAGE,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2, "cost": COST_USD},
    },
    refused=lambda status, message: {
        "type": "error",
        "error": {"type": _TYPES.get(status, "api_error"), "message": message},
        "request_id": None,
    },
    text_in=lambda body: "".join(block.get("text", "") for block in body["content"]),
    texts_in=_messages_texts,
    is_complete=lambda payloads: payloads[-1]["type"] == "message_stop",
    error_in=_messages_error_in,
    repeated_call=_messages_calls,
)

EMBEDDINGS = Speech(
    name="embeddings",
    path="/v1/embeddings",
    upstream_path="/api/v1/embeddings",
    can=frozenset(),
    content={"input": PROMPT},
    plain=lambda text: {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [*map(ord, text)]}],
        "model": "served/one",
        "usage": {"prompt_tokens": 3, "total_tokens": 3, "cost": COST_USD},
    },
    refused=_refused,
    text_in=lambda body: "".join(map(chr, body["data"][0]["embedding"])),
)

RERANK = Speech(
    name="rerank",
    path="/v1/rerank",
    upstream_path="/api/v1/rerank",
    can=frozenset({"other_model"}),
    content={"query": PROMPT, "documents": [PROMPT]},
    plain=lambda text: {
        "id": "gen-1",
        "model": "served/one",
        "results": [{"index": 0, "relevance_score": 0.5, "document": {"text": text}}],
        "usage": {"search_units": 1, "total_tokens": 3, "cost": COST_USD},
    },
    refused=_refused,
    text_in=lambda body: str(body["results"][0]["document"]["text"]),
)


def _responses_calls(count: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [{"role": "user", "content": PROMPT}]
    for place in range(count):
        call = {
            "type": "function_call",
            "call_id": f"call_{place}",
            "name": "read",
            "arguments": '{"path": "a"}',
        }
        result = {"type": "function_call_output", "call_id": f"call_{place}", "output": "no news"}
        items += [call, result]
    return items


def _responses_texts(payloads: list[Any]) -> str:
    return "".join(
        each["delta"]
        for each in payloads
        if each != "[DONE]" and each["type"] == "response.output_text.delta"
    )


def _responses_closing(text: str) -> tuple[bytes, ...]:
    return responses.done(0, responses.message(text)), responses.ended("completed", responses.message(text))


class _ResponsesSpeech(Speech):
    """Responses repeats the whole answer at the end of a stream."""

    def streams(self, *texts: str) -> Act:
        """Return an act: a complete stream."""
        return stream(*self.opening, *map(self.text, texts), *_responses_closing("".join(texts)))


RESPONSES = _ResponsesSpeech(
    name="responses",
    path="/v1/responses",
    upstream_path="/api/v1/responses",
    can=frozenset({"stream", "watch", "pay_twice", "other_model", "text", "agent"}),
    content={"input": PROMPT},
    opening=(
        responses.created(),
        responses.event("response.in_progress", response=responses.BEGUN),
        responses.added(),
        responses.event(
            "response.content_part.added",
            output_index=0,
            content_index=0,
            item_id="msg_1",
            part={"type": "output_text", "text": "", "annotations": []},
        ),
    ),
    text=responses.delta,
    closing=_responses_closing("Hello."),
    answer_member="response",
    plain=lambda text: responses.ended_response("completed", responses.message(text)),
    refused=_refused,
    text_in=lambda body: str(body["output"][0]["content"][0]["text"]),
    texts_in=_responses_texts,
    is_complete=lambda payloads: payloads[-1]["type"] == "response.completed",
    error_in=lambda payloads: next(
        (each["error"] for each in payloads if each["type"] == "response.failed"), None
    ),
    repeated_call=_responses_calls,
)


def _picture(text: str) -> bytes:
    kind = "image_generation.partial_image"
    return chunks.event({"type": kind, "partial_image_index": 0, "b64_json": text})


class _ImagesSpeech(Speech):
    """The last event of a stream of images has the complete picture."""

    def streams(self, *texts: str) -> Act:
        """Return an act: a complete stream."""
        return stream(*self.opening, *map(self.text, texts), *_images_closing("".join(texts)))


def _images_closing(text: str) -> tuple[bytes, ...]:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": COST_USD}
    completed = {"type": "image_generation.completed", "b64_json": text, "created": 1, "usage": usage}
    return chunks.event(completed), chunks.DONE


def _images_text(payloads: list[Any]) -> str:
    """Return the complete picture; if there is none, the parts of it."""
    shown = [each for each in payloads if each != "[DONE]" and "b64_json" in each]
    whole = [each["b64_json"] for each in shown if each["type"].endswith(".completed")]
    return "".join(whole or [each["b64_json"] for each in shown])


IMAGES = _ImagesSpeech(
    name="images",
    path="/v1/images",
    upstream_path="/api/v1/images",
    can=frozenset({"stream", "other_model"}),
    content={"prompt": PROMPT},
    opening=(chunks.event({"type": "image_generation.partial_image", "b64_json": ""}),),
    text=_picture,
    closing=_images_closing("Hello."),
    texts_in=_images_text,
    is_complete=lambda payloads: payloads[-1] == "[DONE]",
    error_in=_chat_error_in,
    plain=lambda text: {
        "created": 1_795_338_000,
        "data": [{"b64_json": text, "media_type": "image/png"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3, "cost": COST_USD},
    },
    refused=_refused,
    text_in=lambda body: str(body["data"][0]["b64_json"]),
)

SPEECHES = (CHAT, MESSAGES, RESPONSES, EMBEDDINGS, RERANK, IMAGES)
