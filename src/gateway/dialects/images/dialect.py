"""The dialect of images, as OpenRouter has it."""

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.images.answer import images_in
from gateway.dialects.images.parse import parse
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.plain_dialect import PlainDialect
from gateway.dialects.tokens import Tokens, tokens_in
from gateway.faults.classify import GetHeader
from gateway.http.json_values import JsonObject, number_or_none

COUNTS = ("prompt_tokens", "completion_tokens")


class Images(PlainDialect):
    """Images; see ``Dialect``. One may cost as much as hundreds of texts, so none is paid for twice."""

    name = "images"
    upstream_path = "/images"
    may_pay_twice = False

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the request for images in a body."""
        return parse(raw, max_values=max_values)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the pictures in the body of a plain reply, if there is one."""
        return read_answer(raw, images_in, test, header=header, now_s=now_s)

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the tokens of prompt and pictures."""
        prompt, completion = (tokens_in(usage, name) for name in COUNTS)
        are_stated = all(number_or_none(usage.get(name)) is not None for name in COUNTS)
        return Tokens(prompt=prompt, completion=completion, are_stated=are_stated)


IMAGES = Images()
