"""The dialect of images, as OpenRouter has it."""

from collections.abc import Mapping

from gateway.dialects.answer_stream import AnswerStream, AssembledStream, Opening, StreamContext
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.images.answer import images_in
from gateway.dialects.images.opening import ImagesOpening
from gateway.dialects.images.parse import parse
from gateway.dialects.images.stream import END, ImagesStream, error_payload
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.named_events import json_of
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.plain_dialect import PlainDialect
from gateway.dialects.tokens import Tokens, tokens_of_data
from gateway.faults.classify import GetHeader
from gateway.http.json_members import Buffer
from gateway.http.json_values import JsonObject
from gateway.http.sse import event_of

COUNTS = ("prompt_tokens", "completion_tokens")


class Images(PlainDialect):
    """Images; see ``StreamingDialect``. One may cost as much as hundreds of texts: none is paid for twice."""

    name = "images"
    upstream_path = "/images"
    can_stream = True
    can_watch = False  # not every model streams, and partial images may cost more
    can_restart = False
    can_continue = False
    may_pay_twice = False
    end_event = END

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the request for images in a body."""
        return parse(raw, max_values=max_values)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the pictures in the body of a plain reply, if there is one."""
        return read_answer(raw, images_in, test, header=header, now_s=now_s)

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the tokens of prompt and pictures."""
        return tokens_of_data(usage, COUNTS)

    def members_to_go_on(
        self, members: Mapping[str, Buffer], prefill: str, *, takes_prefill: bool
    ) -> dict[str, Buffer]:
        """Return the members as they are: no picture is continued."""
        del prefill, takes_prefill
        return {**members}

    def opening(self, *, header: GetHeader, now_s: float, watched: bool) -> Opening:
        """Return what reads a stream up to its first picture."""
        del watched
        return ImagesOpening(header=header, now_s=now_s)

    def stream(self, context: StreamContext) -> AnswerStream:
        """Return what reads a committed stream."""
        return ImagesStream(context)

    def continued(self, context: StreamContext, before: AnswerStream, text: str) -> AnswerStream:
        """Raise an error: ``can_continue`` is not set, so nobody asks for it."""
        raise NotImplementedError

    def assembled(self, context: StreamContext, *, max_bytes: int, mark: str) -> AssembledStream:
        """Raise an error: ``can_watch`` is not set, so nobody asks for it."""
        raise NotImplementedError

    def event_of(self, payload: JsonObject) -> bytes:
        """Return an event with this payload."""
        return event_of(json_of(payload))

    def error_event(self, error: JsonObject, names: JsonObject) -> bytes:
        """Return the event that says that no model has answered."""
        del names
        return event_of(json_of(error_payload(error)))


IMAGES = Images()
