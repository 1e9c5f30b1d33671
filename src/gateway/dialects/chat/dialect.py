"""The dialect of chat completions. OpenRouter's form of it extends OpenAI's."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.dialects.answer_stream import (
    AnswerContext,
    AnswerStream,
    AssembledStream,
    Opening,
    StreamContext,
)
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.chat.answer_checks import completion_in
from gateway.dialects.chat.answer_shape import shape_completion
from gateway.dialects.chat.choices import OBJECT
from gateway.dialects.chat.direct_members import direct_members
from gateway.dialects.chat.error_chunk import error_chunk
from gateway.dialects.chat.json_answer import take_fences_off
from gateway.dialects.chat.opening import ChatOpening
from gateway.dialects.chat.parse import parse
from gateway.dialects.chat.signed_reasoning import SIGNED, signatures_of
from gateway.dialects.chat.stream import END, ChatStream
from gateway.dialects.continuation import messages_to_go_on, with_messages
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.tokens import Tokens, tokens_in
from gateway.faults.classify import GetHeader
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_members import Buffer, Members
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty
from gateway.http.message import HeaderPairs, HttpRequest
from gateway.http.sse import event_of

if TYPE_CHECKING:  # few requests are checked for repetitions
    from gateway.dialects.repeated_calls import Repetition


_COUNTS = ("prompt_tokens", "completion_tokens")


class Chat:
    """Chat completions; see ``Dialect``."""

    name = "chat"
    upstream_path = "/chat/completions"
    can_stream = True
    can_watch = True
    writes_text = True
    may_pay_twice = True
    can_restart = True
    can_continue = True
    session_in_body = True
    token_limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    end_event = END
    signed_form = SIGNED
    answer_member: str | None = None

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the chat request in a body."""
        return parse(raw, max_values=max_values)

    def upstream_headers(self, request: HttpRequest) -> HeaderPairs:
        """Return no headers: none of the caller's belongs to chat."""
        del request
        return ()

    def direct_members(self, request: ModelRequest) -> dict[str, Buffer] | None:
        """Return the body's members for a direct upstream; None if they are the caller's own."""
        return direct_members(request) if request.openrouters_own or request.stream else None

    def members_to_go_on(
        self, members: Mapping[str, Buffer], prefill: str, *, takes_prefill: bool
    ) -> dict[str, Buffer]:
        """Return the members with a last message of the model's own, which it continues."""
        return with_messages(members, messages_to_go_on(prefill, takes_prefill=takes_prefill))

    def repetition_in(self, fields: Members) -> "Repetition | None":
        """Return what an agent repeats at the end of the chat."""
        from gateway.dialects.chat.repetition import repetition_in_chat  # noqa: PLC0415  # few gateways look for it

        return repetition_in_chat(fields)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the completion in the body of a plain reply, if it passes the checks."""
        return read_answer(raw, completion_in, test, header=header, now_s=now_s)

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Bring a completion into OpenAI's shape; if JSON is wanted, without the Markdown fence around it."""
        changed = shape_completion(payload, always={"id": names["id"], "object": "chat.completion", **names})
        return (take_fences_off(payload, test.json_root) or changed) if test.json else changed

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """Add nothing: a chat states its model as it is, and has no safety check."""
        del payload, told
        return False

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the token counts in a usage."""
        return Tokens(
            prompt=tokens_in(usage, "prompt_tokens"),
            completion=tokens_in(usage, "completion_tokens"),
            reasoning=tokens_in(object_or_empty(usage.get("completion_tokens_details")), "reasoning_tokens"),
            cached=tokens_in(object_or_empty(usage.get("prompt_tokens_details")), "cached_tokens"),
            are_stated=all(number_or_none(usage.get(name)) is not None for name in _COUNTS),
        )

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield the signatures in a completion."""
        return signatures_of(payload)

    def opening(self, *, header: GetHeader, now_s: float, watched: bool) -> Opening:
        """Return what reads a stream up to its first chunk with content."""
        return ChatOpening(header=header, now_s=now_s, watched=watched)

    def stream(self, context: StreamContext) -> AnswerStream:
        """Return what reads a committed stream."""
        return ChatStream(context)

    def continued(self, context: StreamContext, before: AnswerStream, text: str) -> AnswerStream:
        """Return what reads a stream that continues ``text``."""
        from gateway.dialects.chat.continued import ContinuedStream  # noqa: PLC0415  # few streams are continued

        del before
        return ContinuedStream(context, text)

    def assembled(self, context: StreamContext, *, max_bytes: int, mark: str) -> AssembledStream:
        """Return what puts a stream together to a completion."""
        from gateway.dialects.chat.assemble import Assembly  # noqa: PLC0415  # few answers are put together
        from gateway.dialects.chat.assembled import AssembledChat  # noqa: PLC0415

        # A chunk with nothing but the usage then has no choice that no model sent.
        request = replace(context.request, openai_usage=True)
        return AssembledChat(replace(context, request=request), Assembly(max_bytes, mark))

    def event_of(self, payload: JsonObject) -> bytes:
        """Return an event with this payload."""
        return event_of(to_json_bytes(payload))

    def error_event(self, error: JsonObject, names: JsonObject) -> bytes:
        """Return the chunk that says that no model has answered."""
        return error_chunk({"object": OBJECT, **names}, error)

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return whether an answer may be cached."""
        from gateway.dialects.chat.cacheable import is_cacheable  # noqa: PLC0415  # few requests use the cache

        return ended and is_cacheable(payloads)


CHAT = Chat()
