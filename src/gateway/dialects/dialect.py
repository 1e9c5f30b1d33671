"""Describes a wire format: all that the engine needs to know of it.

``chat`` is the dialect of OpenAI's chat completions, ``messages`` that of Anthropic's Messages, and so on.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeGuard

from gateway.dialects.answer_stream import (
    AnswerContext,
    AnswerStream,
    AssembledStream,
    Opening,
    StreamContext,
)
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.dialects.signed_parts import SignedForm
from gateway.dialects.tokens import Tokens
from gateway.faults.classify import GetHeader
from gateway.http.json_members import Buffer, Members
from gateway.http.json_values import JsonObject
from gateway.http.message import HeaderPairs, HttpRequest

if TYPE_CHECKING:  # few requests are checked for repetitions
    from gateway.dialects.repeated_calls import Repetition


class Dialect(Protocol):
    """One wire format. It has no state: one object serves all requests.

    A dialect that streams is a ``StreamingDialect``. One that never streams is a ``PlainDialect``.

    Attributes:
        name: its name in cache keys and plans.
        upstream_path: where OpenRouter serves it, after the base URL.
        can_stream: whether it is a ``StreamingDialect``.
        can_watch: whether a stream of it can be put together to a plain answer.
        writes_text: whether its models write texts. The settings' default models and conditional task routes
            are for those; a request in any other dialect names its model.
        may_pay_twice: whether a request may be paid for twice: hedged, or sent again after an attempt that
            may have been billed. If not, the caller must allow the second (``gateway.retry_billed``).
        session_in_body: whether the session's name goes upstream in the body; if not, in a header.
        token_limits: the fields that limit the length of an answer, in tokens; empty if none does.
        signed_form: where its messages have signed parts.
        answer_member: the member of a stream's event that has the answer, with its usage and its receipt;
            None: the event itself has them.
    """

    name: str
    upstream_path: str
    can_stream: bool
    can_watch: bool
    writes_text: bool
    may_pay_twice: bool
    session_in_body: bool
    token_limits: tuple[str, ...]
    signed_form: SignedForm
    answer_member: str | None

    # -- the request

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the request in a body of less than ``max_values`` values.

        Raises:
            GatewayError: the body is not a valid request; ``param`` names the field.
        """

    def upstream_headers(self, request: HttpRequest) -> HeaderPairs:
        """Return the headers of the caller that go to OpenRouter."""

    def direct_members(self, request: ModelRequest) -> dict[str, Buffer] | None:
        """Return the body's members for a direct upstream; None if they are the caller's own."""

    def repetition_in(self, fields: Members) -> "Repetition | None":
        """Return what an agent repeats at the end of a request's messages; None if nothing."""

    # -- a plain answer

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the answer in the body of a plain reply with status 200, if it passes the checks.

        Raises:
            AttemptFailedError: the body holds no usable answer.
        """

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Bring a plain answer into the dialect's form, in place; return whether anything changed.

        ``names`` are the ``id``, ``created`` and ``model`` of an answer that states none.
        """

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """Add to a plain answer what its request asks for beside the model's own answer, in place.

        Returns whether anything changed.
        """

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the token counts in a usage."""

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield the signatures in a plain answer."""

    # -- the answer cache

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return whether an answer may be cached: it is complete, and calls no tool.

        Args:
            payloads: the events of a stream, without ``[DONE]``; or the plain answer alone.
            ended: whether the stream ended with ``[DONE]``; True for a plain answer.
        """


class StreamingDialect(Dialect, Protocol):
    """A wire format that streams.

    Attributes:
        can_restart: whether an answer that is cut off can start over within its stream.
        can_continue: whether another model can continue one.
        end_event: the event that ends a complete stream.
    """

    can_restart: bool
    can_continue: bool
    end_event: bytes

    def members_to_go_on(
        self, members: Mapping[str, Buffer], prefill: str, *, takes_prefill: bool
    ) -> dict[str, Buffer]:
        """Return a body's members so that they ask a model to continue an answer.

        Args:
            members: the members of the request.
            prefill: the beginning of the answer.
            takes_prefill: whether the model continues a message of its own; if not, it is told to go on.
        """

    def opening(self, *, header: GetHeader, now_s: float, watched: bool) -> Opening:
        """Return what reads a stream up to its commit point.

        ``watched``: the stream becomes a plain answer, so a finish reason commits, too.
        """

    def stream(self, context: StreamContext) -> AnswerStream:
        """Return what reads a committed stream."""

    def continued(self, context: StreamContext, before: AnswerStream, text: str) -> AnswerStream:
        """Return what reads a stream that continues ``text``, which the client has from ``before``."""

    def assembled(self, context: StreamContext, *, max_bytes: int, mark: str) -> AssembledStream:
        """Return what puts a stream together to a plain answer.

        Args:
            context: see ``StreamContext``.
            max_bytes: the largest answer.
            mark: begins the placeholders of long strings; no text has it by chance.
        """

    def event_of(self, payload: JsonObject) -> bytes:
        """Return an event with this payload.

        Raises:
            ValueError: it has a value that JSON cannot represent.
        """

    def error_event(self, error: JsonObject, names: JsonObject) -> bytes:
        """Return the event that says that no model has answered, after the stream has begun.

        Args:
            error: the error's body in this dialect.
            names: the ``id``, ``created`` and ``model`` of the answer.
        """


def streaming_of(dialect: Dialect) -> StreamingDialect:
    """Return a dialect that streams; a request for a stream has no other.

    Raises:
        TypeError: it never streams.
    """
    if not _streams(dialect):
        raise TypeError(f"{dialect.name} never streams")
    return dialect


def _streams(dialect: Dialect) -> TypeGuard[StreamingDialect]:
    return dialect.can_stream
