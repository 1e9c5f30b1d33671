"""The dialect of Responses. OpenRouter's form of it extends OpenAI's."""

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
from gateway.dialects.direct_members import without_openrouters
from gateway.dialects.event_data import DONE
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.named_events import event_of
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.responses.answer import answer_in, shape_answer
from gateway.dialects.responses.error_events import failed_stream
from gateway.dialects.responses.opening import ResponsesOpening
from gateway.dialects.responses.parse import parse
from gateway.dialects.responses.signed_items import SIGNED, signature_of
from gateway.dialects.responses.stream import ResponsesStream
from gateway.dialects.responses.usage import tokens_of
from gateway.dialects.signed_parts import signatures_in
from gateway.dialects.tokens import Tokens
from gateway.faults.classify import GetHeader
from gateway.http.json_members import Buffer, Members
from gateway.http.json_values import JsonObject
from gateway.http.message import HeaderPairs, HttpRequest

if TYPE_CHECKING:  # few requests are checked for repetitions
    from gateway.dialects.repeated_calls import Repetition


class Responses:
    """OpenAI's Responses; see ``StreamingDialect``."""

    name = "responses"
    upstream_path = "/responses"
    can_stream = True
    can_watch = True
    may_pay_twice = True
    writes_text = True
    can_restart = False
    can_continue = False
    session_in_body = True
    token_limits: tuple[str, ...] = ("max_output_tokens",)
    end_event = b"data: %b\n\n" % DONE
    signed_form = SIGNED
    answer_member: str | None = "response"

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the Responses request in a body."""
        return parse(raw, max_values=max_values)

    def upstream_headers(self, request: HttpRequest) -> HeaderPairs:
        """Return no headers: those of Codex are about the client."""
        del request
        return ()

    def direct_members(self, request: ModelRequest) -> dict[str, Buffer] | None:
        """Return the members without those that only OpenRouter understands."""
        return without_openrouters(request.fields)

    def members_to_go_on(
        self, members: Mapping[str, Buffer], prefill: str, *, takes_prefill: bool
    ) -> dict[str, Buffer]:
        """Return the members as they are: no answer in this dialect is continued."""
        del prefill, takes_prefill
        return {**members}

    def repetition_in(self, fields: Members) -> "Repetition | None":
        """Return what an agent repeats at the end of the input."""
        from gateway.dialects.responses.repetition import repetition_in_input  # noqa: PLC0415  # few gateways look for it

        return repetition_in_input(fields)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the response in the body of a plain reply, if it passes the checks."""
        return read_answer(raw, answer_in, test, header=header, now_s=now_s)

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Bring a response into OpenAI's form; if JSON is wanted, without the Markdown fence around it."""
        return shape_answer(payload, names, test)

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """State the model as the caller asked for it."""
        if told.shown_model is None or payload.get("model") == told.shown_model:
            return False
        payload["model"] = told.shown_model
        return True

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the token counts in a usage."""
        return tokens_of(usage)

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield the encrypted contents in a response."""
        return signatures_in(payload.get("output"), signature_of)

    def opening(self, *, header: GetHeader, now_s: float, watched: bool) -> Opening:
        """Return what reads a stream up to its first event with content."""
        return ResponsesOpening(header=header, now_s=now_s, watched=watched)

    def stream(self, context: StreamContext) -> AnswerStream:
        """Return what reads a committed stream."""
        return ResponsesStream(context)

    def continued(self, context: StreamContext, before: AnswerStream, text: str) -> AnswerStream:
        """Raise an error: ``can_continue`` is not set, so nobody asks for it."""
        raise NotImplementedError

    def assembled(self, context: StreamContext, *, max_bytes: int, mark: str) -> AssembledStream:
        """Return what puts a stream together to a response. It reads long strings whole, without a mark."""
        from gateway.dialects.responses.assembled import AssembledResponse  # noqa: PLC0415  # few answers are put together

        del mark
        return AssembledResponse(context, max_bytes)

    def event_of(self, payload: JsonObject) -> bytes:
        """Return an event with this payload."""
        return event_of(payload)

    def error_event(self, error: JsonObject, names: JsonObject) -> bytes:
        """Return the events that say that no model has answered."""
        return failed_stream(error, names)

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return whether an answer may be cached. Its last event says whether a stream has ended."""
        from gateway.dialects.responses.cacheable import is_cacheable  # noqa: PLC0415  # few requests use the cache

        del ended
        return is_cacheable(payloads)


RESPONSES = Responses()
