"""Chat completions: `POST /chat/completions`."""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.answers import Answer, Json
from simulator.asked import Asked, Result, Said, Signed, mappings, text_in, tools_in
from simulator.dialects.chat_forms import deltas, message_of
from simulator.dialects.choices import Choices
from simulator.dialects.dialect import EMPTY_INPUT


class Chat(Choices):
    """OpenRouter's form of OpenAI's chat completions."""

    path = "/chat/completions"
    kind = "chat.completion"
    chunk_kind = "chat.completion.chunk"
    blank: Mapping[str, Any] = {"content": ""}
    silent: Mapping[str, Any] = {**blank, "role": "assistant"}

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without messages and without a prompt."""
        messages = body.get("messages")
        if messages == []:
            return EMPTY_INPUT
        has_input = isinstance(messages, list) or isinstance(body.get("prompt"), str)
        return None if has_input else 'Input required: specify "prompt" or "messages"'

    def asked(self, body: Mapping[str, Any]) -> Asked:
        """Return what the conversation says."""
        messages = tuple(_said(number, each) for number, each in enumerate(mappings(body.get("messages"))))
        functions = [tool.get("function") for tool in mappings(body.get("tools"))]
        return Asked(messages, tools_in(functions, "parameters"))

    def choice(self, answer: Answer) -> Json:
        """Return the message."""
        return {"message": message_of(answer)}

    def pieces(self, answer: Answer) -> Iterator[Json]:
        """Yield the deltas."""
        return deltas(answer)

    def spoken(self, piece: Mapping[str, Any]) -> Json:
        """Return the delta."""
        return {"delta": piece}


CHAT = Chat()


def _said(number: int, message: Mapping[str, Any]) -> Said:
    role, text = str(message.get("role")), text_in(message.get("content"))
    functions = [call.get("function") for call in mappings(message.get("tool_calls"))]
    calls = tuple(str(function.get("name")) for function in mappings(functions))
    results = (Result(text),) if role == "tool" else ()
    details = enumerate(mappings(message.get("reasoning_details")))
    signed = tuple(
        Signed(f"messages.{number}.content.{at}", str(detail[key]))
        for at, detail in details
        for key in ("signature", "data")
        if detail.get(key) is not None
    )
    return Said(role, text, calls, results, signed)
