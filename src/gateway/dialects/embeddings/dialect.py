"""The dialect of embeddings, as OpenAI and OpenRouter have it."""

from gateway.dialects.answer_stream import AnswerContext
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.embeddings.answer import Vectors, shape_vectors, vectors_in
from gateway.dialects.embeddings.expected import ExpectedVectors
from gateway.dialects.embeddings.parse import parse
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.dialects.plain_dialect import PlainDialect
from gateway.dialects.tokens import Tokens, prompt_tokens_in
from gateway.faults.classify import GetHeader
from gateway.http.json_values import JsonObject


class Embeddings(PlainDialect):
    """Embeddings; see ``Dialect``."""

    name = "embeddings"
    upstream_path = "/embeddings"

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the request for embeddings in a body."""
        return parse(raw, max_values=max_values)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the vectors in the body of a plain reply, if they pass the checks."""
        return vectors_in(raw, test, header=header, now_s=now_s)

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Bring the rows into the order of their inputs."""
        del test
        return shape_vectors(payload, names)

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """Say in which space the vectors are."""
        del payload
        expected, answer = told.request.expected, told.answer
        assert isinstance(expected, ExpectedVectors)  # by `parse`
        assert isinstance(answer, Vectors)  # by `read_answer`
        told.state("embedding_space", f"{expected.names.of(told.model)}/{answer.dimensions}")
        return False

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the tokens of the inputs."""
        return prompt_tokens_in(usage)


EMBEDDINGS = Embeddings()
