"""The dialect of transcriptions, as OpenRouter has it: with the recording in JSON, or in a form."""

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.plain_dialect import PlainDialect
from gateway.dialects.tokens import Tokens, tokens_of_data
from gateway.dialects.transcriptions.answer import transcription_in
from gateway.dialects.transcriptions.parse import parse
from gateway.faults.classify import GetHeader
from gateway.http.json_values import JsonObject

COUNTS = ("input_tokens", "output_tokens")


class Transcriptions(PlainDialect):
    """Transcriptions with the recording in JSON; see ``Dialect``."""

    name = "transcriptions"
    upstream_path = "/audio/transcriptions"

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the request for a transcription in a body."""
        return parse(raw, max_values=max_values)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the text in the body of a plain reply, if there is one."""
        return read_answer(raw, transcription_in, test, header=header, now_s=now_s)

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the tokens of recording and text."""
        return tokens_of_data(usage, COUNTS)


class FormTranscriptions(Transcriptions):
    """Transcriptions with the recording as a file in a form. Its boundary is in the request's header."""

    def __init__(self, content_type: str) -> None:
        """``content_type``: the request's header."""
        self._content_type = content_type

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the request for a transcription in a form."""
        from gateway.dialects.transcriptions.parse_form import parse_form  # noqa: PLC0415  # JSON needs none

        return parse_form(raw, self._content_type, max_values=max_values)

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return False: the key of an answer is made of the fields, and the file is none of them."""
        del payloads, ended
        return False


TRANSCRIPTIONS = Transcriptions()
