"""The dialect of speech, as OpenRouter has it: the request is JSON, and the answer is bytes of audio."""

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.dialects.plain_dialect import PlainDialect
from gateway.dialects.speech.parse import parse
from gateway.dialects.tokens import Tokens
from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import JsonObject


class Speech(PlainDialect):
    """Speech; see ``Dialect``. Its answers are bytes, see ``upstream.commit_bytes``."""

    name = "speech"
    upstream_path = "/audio/speech"

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the request for speech in a body."""
        return parse(raw, max_values=max_values)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Raise an error: no answer in JSON is audio."""
        del raw, test, header, now_s
        raise AttemptFailedError(Fault(code="wrong_content_type"))

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return no tokens: audio states none."""
        del usage
        return Tokens()


SPEECH = Speech()
