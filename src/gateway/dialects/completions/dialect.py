"""The dialect of completions, OpenAI's older form: a text that goes on with a prompt."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.choices_dialect import ChoicesDialect
from gateway.dialects.completions.answer import completions_in
from gateway.dialects.completions.parse import parse
from gateway.dialects.completions.shape import TextChunkShape, shape_completion
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.openai_direct_members import direct_members
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.signed_parts import NOTHING_SIGNED
from gateway.faults.classify import GetHeader
from gateway.http.json_bytes import parse_json
from gateway.http.json_members import Buffer, Members, member
from gateway.http.json_values import JsonObject, object_or_empty

if TYPE_CHECKING:  # no completion is checked for repetitions, and few are put together
    from gateway.dialects.choice_assembly import Assembly
    from gateway.dialects.repeated_calls import Repetition


class Completions(ChoicesDialect):
    """Completions; see ``StreamingDialect``."""

    name = "completions"
    upstream_path = "/completions"
    chunk_shape = TextChunkShape
    tells_to_go_on = False
    session_in_body = False
    token_limits: tuple[str, ...] = ("max_tokens",)
    signed_form = NOTHING_SIGNED

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the completion request in a body."""
        return parse(raw, max_values=max_values)

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

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield nothing."""
        del payload
        return iter(())

    def assembly(self, max_bytes: int, mark: str) -> "Assembly":
        """Return what puts the chunks of completions together."""
        from gateway.dialects.completions.assemble import TextAssembly  # noqa: PLC0415  # few answers are put together

        return TextAssembly(max_bytes, mark)


COMPLETIONS = Completions()
