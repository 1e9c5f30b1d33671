"""The dialect of chat completions. OpenRouter's form of it extends OpenAI's."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.chat.answer_checks import completion_in
from gateway.dialects.chat.answer_shape import shape_completion
from gateway.dialects.chat.chunk_shape import ChatChunkShape
from gateway.dialects.chat.json_answer import take_fences_off
from gateway.dialects.chat.note_signatures import notes_signatures
from gateway.dialects.chat.parse import parse
from gateway.dialects.chat.signed_reasoning import SIGNED, signatures_of
from gateway.dialects.choices_dialect import ChoicesDialect
from gateway.dialects.continuation import messages_to_go_on, with_messages
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.openai_direct_members import direct_members
from gateway.dialects.plain_answer import Completion, read_answer
from gateway.dialects.read_event import ReadEvent
from gateway.faults.classify import GetHeader
from gateway.http.json_members import Buffer, Members
from gateway.http.json_values import JsonObject

if TYPE_CHECKING:  # few requests are checked for repetitions, and few answers are put together
    from gateway.dialects.choice_assembly import Assembly
    from gateway.dialects.repeated_calls import Repetition


class Chat(ChoicesDialect):
    """Chat completions; see ``StreamingDialect``."""

    name = "chat"
    upstream_path = "/chat/completions"
    chunk_shape = ChatChunkShape
    tells_to_go_on = True
    session_in_body = True
    token_limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    signed_form = SIGNED

    def parse(self, raw: bytes, *, max_values: int) -> ModelRequest:
        """Return the chat request in a body."""
        return parse(raw, max_values=max_values)

    def direct_members(self, request: ModelRequest) -> dict[str, Buffer] | None:
        """Return the body's members for a direct upstream; None if they are the caller's own."""
        return direct_members(request, takes_effort=True)

    def members_to_go_on(
        self, members: Mapping[str, Buffer], prefill: str, *, takes_prefill: bool
    ) -> dict[str, Buffer]:
        """Return the members with a last message of the model's own, which it continues."""
        return with_messages(members, messages_to_go_on(prefill, takes_prefill=takes_prefill))

    def repetition_in(self, fields: Members) -> "Repetition | None":
        """Return what an agent repeats at the end of the chat."""
        from gateway.dialects.chat.repetition import repetition_in_chat  # noqa: PLC0415  # few gateways look for it

        return repetition_in_chat(fields)

    def read_answer(self, raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Completion:
        """Return the completion in the body of a plain reply, if it passes the checks."""
        return read_answer(raw, completion_in, test, header=header, now_s=now_s)

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Bring a completion into OpenAI's shape; if JSON is wanted, without the Markdown fence around it."""
        changed = shape_completion(payload, always={"id": names["id"], "object": "chat.completion", **names})
        return (take_fences_off(payload, test.json_root) or changed) if test.json else changed

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield the signatures in a completion."""
        return signatures_of(payload)

    def notes_of(self, context: StreamContext) -> Callable[[ReadEvent], None]:
        """Return what notes the signatures of a stream."""
        return notes_signatures(context)

    def assembly(self, max_bytes: int, mark: str) -> "Assembly":
        """Return what puts the chunks of a chat together."""
        from gateway.dialects.chat.assemble import ChatAssembly  # noqa: PLC0415  # few answers are put together

        return ChatAssembly(max_bytes, mark)


CHAT = Chat()
