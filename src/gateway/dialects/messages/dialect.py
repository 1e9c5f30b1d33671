"""The dialect of Messages. OpenRouter's form of it extends Anthropic's."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.dialects.answer_stream import (
    AnswerContext,
    AnswerStream,
    AssembledStream,
    Opening,
    StreamContext,
)
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.continuation import messages_to_go_on, with_messages
from gateway.dialects.direct_members import without_openrouters
from gateway.dialects.messages.answer import answer_in, shape_answer
from gateway.dialects.messages.ending import STOP
from gateway.dialects.messages.error_event import error_event
from gateway.dialects.messages.fields import ANTHROPICS_NOT
from gateway.dialects.messages.headers import upstream_headers
from gateway.dialects.messages.opening import MessagesOpening
from gateway.dialects.messages.parse import parse
from gateway.dialects.messages.safeguards import asks_for_verdicts
from gateway.dialects.messages.signed_thinking import SIGNED, signature_of
from gateway.dialects.messages.stream import MessagesStream
from gateway.dialects.messages.usage import tokens_of
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.named_events import event_of
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.signed_parts import signatures_in
from gateway.dialects.tokens import Tokens
from gateway.faults.classify import GetHeader
from gateway.http.json_members import Buffer, Members
from gateway.http.json_values import JsonObject
from gateway.http.message import HeaderPairs, HttpRequest

if TYPE_CHECKING:  # few requests are checked for repetitions
    from gateway.dialects.repeated_calls import Repetition


class Messages:
    """Anthropic's Messages; see ``Dialect``."""

    name = "messages"
    upstream_path = "/messages"
    can_stream = True
    can_watch = True
    writes_text = True
    may_pay_twice = True
    can_restart = False
    can_continue = True
    session_in_body = False
    token_limits: tuple[str, ...] = ("max_tokens",)
    end_event = event_of(STOP)
    signed_form = SIGNED
    answer_member: str | None = None

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the Messages request in a body."""
        return parse(raw, max_values=max_values)

    def upstream_headers(self, request: HttpRequest) -> HeaderPairs:
        """Return the caller's headers that begin with ``anthropic-``."""
        return upstream_headers(request)

    def direct_members(self, request: ModelRequest) -> dict[str, Buffer] | None:
        """Return the members without those that only OpenRouter understands."""
        return without_openrouters(request.fields, ANTHROPICS_NOT)

    def members_to_go_on(
        self, members: Mapping[str, Buffer], prefill: str, *, takes_prefill: bool
    ) -> dict[str, Buffer]:
        """Return the members with a last message of the model's own; as they are if it were only white space.

        Source: Anthropic API: a last message of the assistant must not end in white space.
        """
        text = prefill.rstrip()
        added = messages_to_go_on(text, takes_prefill=takes_prefill) if text else []
        return with_messages(members, added)

    def repetition_in(self, fields: Members) -> "Repetition | None":
        """Return what an agent repeats at the end of the messages."""
        from gateway.dialects.messages.repetition import repetition_in_messages  # noqa: PLC0415  # few gateways look for it

        return repetition_in_messages(fields)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the message in the body of a plain reply, if it passes the checks."""
        return read_answer(raw, answer_in, test, header=header, now_s=now_s)

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Bring a message into Anthropic's form; if JSON is wanted, without the Markdown fence around it."""
        return shape_answer(payload, names, test)

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """State the model as the caller asked for it, and say where a safety check has no verdicts."""
        from gateway.dialects.messages.told import tell  # noqa: PLC0415  # few requests ask for more

        asks = told.shown_model is not None or asks_for_verdicts(told.request)
        return asks and tell(payload, told)

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the token counts in a usage."""
        return tokens_of(usage)

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield the signatures in a message."""
        return signatures_in(payload.get("content"), signature_of)

    def opening(self, *, header: GetHeader, now_s: float, watched: bool) -> Opening:
        """Return what reads a stream up to its first event with content."""
        return MessagesOpening(header=header, now_s=now_s, watched=watched)

    def stream(self, context: StreamContext) -> AnswerStream:
        """Return what reads a committed stream."""
        return MessagesStream(context)

    def continued(self, context: StreamContext, before: AnswerStream, text: str) -> AnswerStream:
        """Return what reads a stream that continues ``text``, which the client has from ``before``."""
        from gateway.dialects.messages.continued import ContinuedMessages  # noqa: PLC0415  # few streams are continued

        return ContinuedMessages(context, before, text)

    def assembled(self, context: StreamContext, *, max_bytes: int, mark: str) -> AssembledStream:
        """Return what puts a stream together to a message. It reads long strings whole, without a mark."""
        from gateway.dialects.messages.assembled import AssembledMessages  # noqa: PLC0415  # few answers are put together

        del mark
        return AssembledMessages(context, max_bytes)

    def event_of(self, payload: JsonObject) -> bytes:
        """Return an event with this payload."""
        return event_of(payload)

    def error_event(self, error: JsonObject, names: JsonObject) -> bytes:
        """Return the event that says that no model has answered."""
        del names
        return error_event(error)

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return whether an answer may be cached. Its last event says whether a stream has ended."""
        from gateway.dialects.messages.cacheable import is_cacheable  # noqa: PLC0415  # few requests use the cache

        del ended
        return is_cacheable(payloads)


MESSAGES = Messages()
