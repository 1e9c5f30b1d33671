"""The dialect of completions, OpenAI's older form: a text that goes on with a prompt."""

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
from gateway.dialects.choice_opening import ChoiceOpening
from gateway.dialects.choice_stream import END, ChoiceStream
from gateway.dialects.completions.answer import completions_in
from gateway.dialects.completions.parse import parse
from gateway.dialects.completions.shape import TextChunkShape, shape_completion
from gateway.dialects.completions.text_form import TEXTS
from gateway.dialects.error_chunk import error_chunk
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.openai_direct_members import direct_members
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.signed_parts import NOTHING_SIGNED
from gateway.dialects.tokens import Tokens, tokens_of_text
from gateway.faults.classify import GetHeader
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_members import Buffer, Members, member
from gateway.http.json_values import JsonObject, object_or_empty
from gateway.http.message import HeaderPairs, HttpRequest
from gateway.http.sse import event_of

if TYPE_CHECKING:  # no completion is checked for repetitions
    from gateway.dialects.repeated_calls import Repetition


class Completions:
    """Completions; see ``StreamingDialect``."""

    name = "completions"
    upstream_path = "/completions"
    can_stream = True
    can_watch = True
    writes_text = True
    may_pay_twice = True
    can_restart = True
    can_continue = True
    tells_to_go_on = False
    session_in_body = False
    token_limits: tuple[str, ...] = ("max_tokens",)
    end_event = END
    signed_form = NOTHING_SIGNED
    answer_member: str | None = None

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the completion request in a body."""
        return parse(raw, max_values=max_values)

    def upstream_headers(self, request: HttpRequest) -> HeaderPairs:
        """Return no headers."""
        del request
        return ()

    def direct_members(self, request: ModelRequest) -> dict[str, Buffer] | None:
        """Return the body's members for a direct upstream; None if they are the caller's own."""
        return direct_members(request, takes_effort=False)

    def members_to_go_on(
        self, members: Mapping[str, Buffer], prefill: str, *, takes_prefill: bool
    ) -> dict[str, Buffer]:
        """Return the members with a prompt that has the text so far at its end."""
        del takes_prefill  # `tells_to_go_on` is not set
        (prompt,) = object_or_empty(parse_json(b"{%b}" % bytes(members["prompt"]))).values()
        assert isinstance(prompt, str)  # no other is continued: see `is_text_only`
        return {**members, "prompt": member("prompt", prompt + prefill)}

    def repetition_in(self, fields: Members) -> "Repetition | None":
        """Return None: there are no messages."""
        del fields
        return None

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the completions in the body of a plain reply, if they pass the checks."""
        return read_answer(raw, completions_in, test, header=header, now_s=now_s)

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Bring completions into OpenAI's shape."""
        del test
        return shape_completion(payload, names)

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """Add nothing."""
        del payload, told
        return False

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the token counts in a usage."""
        return tokens_of_text(usage)

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield nothing."""
        del payload
        return iter(())

    def opening(self, *, header: GetHeader, now_s: float, watched: bool) -> Opening:
        """Return what reads a stream up to its first text."""
        return ChoiceOpening(TEXTS, header=header, now_s=now_s, watched=watched)

    def stream(self, context: StreamContext) -> AnswerStream:
        """Return what reads a committed stream."""
        return ChoiceStream(context, _shape_of(context))

    def continued(self, context: StreamContext, before: AnswerStream, text: str) -> AnswerStream:
        """Return what reads a stream that continues ``text``."""
        from gateway.dialects.continued_choices import ContinuedStream  # noqa: PLC0415  # few streams are continued

        del before
        return ContinuedStream(context, _shape_of(context), text)

    def assembled(self, context: StreamContext, *, max_bytes: int, mark: str) -> AssembledStream:
        """Return what puts a stream together to completions."""
        from gateway.dialects.assembled_choices import AssembledChoices  # noqa: PLC0415  # few answers are put together
        from gateway.dialects.completions.assemble import TextAssembly  # noqa: PLC0415

        # A chunk with nothing but the usage then has no choice that no model sent.
        context = replace(context, request=replace(context.request, openai_usage=True))
        return AssembledChoices(context, _shape_of(context), TextAssembly(max_bytes, mark))

    def event_of(self, payload: JsonObject) -> bytes:
        """Return an event with this payload."""
        return event_of(to_json_bytes(payload))

    def error_event(self, error: JsonObject, names: JsonObject) -> bytes:
        """Return the chunk that says that no model has answered."""
        return error_chunk({"object": TEXTS.object, **names}, error, TEXTS)

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return whether an answer may be cached."""
        from gateway.dialects.choices_cacheable import is_cacheable  # noqa: PLC0415  # few requests use the cache

        return ended and is_cacheable(payloads)


def _shape_of(context: StreamContext) -> TextChunkShape:
    return TextChunkShape(context.first, context.names, openai_usage=context.request.openai_usage)


COMPLETIONS = Completions()
