"""The dialect of reranking, as OpenRouter has it."""

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.plain_dialect import PlainDialect
from gateway.dialects.rerank.answer import results_in
from gateway.dialects.rerank.parse import parse
from gateway.dialects.tokens import Tokens, prompt_tokens_in
from gateway.faults.classify import GetHeader
from gateway.http.json_values import JsonObject


class Rerank(PlainDialect):
    """Reranking; see ``Dialect``."""

    name = "rerank"
    upstream_path = "/rerank"

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the rerank request in a body."""
        return parse(raw, max_values=max_values)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the results in the body of a plain reply, if they pass the checks."""
        return read_answer(raw, results_in, test, header=header, now_s=now_s)

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the tokens of query and documents."""
        return prompt_tokens_in(usage)


RERANK = Rerank()
