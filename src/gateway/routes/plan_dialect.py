"""Finds out in which dialect a request to plan is written: the plan route takes the body of any."""

from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.dialect import Dialect
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.http.message import HttpRequest
from gateway.http.query_string import parameters_of

# Fields that Messages has and chat has not.
# Sources: Anthropic API reference, "Create a Message"; OpenRouter API reference, "Create a message".
MESSAGES_FIELDS = frozenset(
    {"system", "stop_sequences", "thinking", "context_management", "output_config", "fallbacks"}
)
# The types of content blocks that chat has not.
MESSAGES_BLOCKS = frozenset({"tool_use", "tool_result", "image", "document", "thinking", "redacted_thinking"})
# Fields that Responses has, and neither chat nor Messages.
# Source: OpenAI API reference, "Create a model response".
RESPONSES_FIELDS = frozenset({"input", "instructions", "max_output_tokens"})
NAMES = ("chat", "messages", "responses")


def dialect_of(request: HttpRequest, raw: bytes) -> Dialect:
    """Return the dialect of a request to plan.

    ``?dialect=`` names it. Without that, a request with the header ``anthropic-version`` is in Messages, and
    so is a body with a field, a tool or a content block that only Messages has. Any other body is a chat.

    Raises:
        GatewayError: ``?dialect=`` names no dialect.
    """
    named = parameters_of(request.query, known=("dialect",), ignore_unknown=True).get("dialect")
    if named is not None and named not in NAMES:
        raise GatewayError("invalid_field", f"`dialect` must be one of: {', '.join(NAMES)}.", param="dialect")
    if named == "chat":
        return CHAT
    if named or request.header("anthropic-version") or _is_messages(raw):
        from gateway.dialects.messages.dialect import MESSAGES  # noqa: PLC0415  # few plans are for Messages

        return MESSAGES
    return CHAT


def _is_messages(raw: bytes) -> bool:
    try:
        body = object_or_empty(parse_json(raw))
    except ValueError:  # the dialect says what is wrong with it
        return False
    return (
        not MESSAGES_FIELDS.isdisjoint(body)
        or any("input_schema" in object_or_empty(tool) for tool in list_or_empty(body.get("tools")))
        or any(_has_messages_block(object_or_empty(each)) for each in list_or_empty(body.get("messages")))
    )


def _has_messages_block(message: JsonObject) -> bool:
    blocks: list[Json] = list_or_empty(message.get("content"))
    types = (object_or_empty(block).get("type") for block in blocks)
    return any(isinstance(each, str) and each in MESSAGES_BLOCKS for each in types)
