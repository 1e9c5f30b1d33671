"""Finds out in which dialect a request to plan is written: the plan route takes the body of any."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.dialect import Dialect
from gateway.dialects.names import NAMES
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
# The fields that a request of these has, and no chat. Of two that fit, the first one counts.
# Sources: OpenRouter API reference, "Create embeddings", "Submit a rerank request", "Create a response",
# "Create images", "Create transcription", "Create speech".
FIELDS_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "embeddings": frozenset({"dimensions", "encoding_format", "input_type"}),
        "rerank": frozenset({"documents", "query"}),
        # Before ``responses``: both have ``input`` and ``instructions``.
        "speech": frozenset({"voice", "speed", "stream_format"}),
        "responses": frozenset({"input", "instructions", "max_output_tokens"}),
        # Not ``prompt``: completions of a text have it, too.
        "images": frozenset(
            {"input_references", "aspect_ratio", "resolution", "size", "background", "output_format"}
        ),
        "transcriptions": frozenset({"input_audio"}),
    }
)


def dialect_of(request: HttpRequest, raw: bytes) -> Dialect:
    """Return the dialect of a request to plan.

    ``?dialect=`` names it. Without that, a request with the header ``anthropic-version`` is in Messages, and
    so is a body with a field, a tool or a content block that only Messages has. A body without messages is in
    the dialect whose fields it has. Any other body is a chat.

    Raises:
        GatewayError: ``?dialect=`` names no dialect.
    """
    named = parameters_of(request.query, known=("dialect",), ignore_unknown=True).get("dialect")
    if named is not None and named not in NAMES:
        raise GatewayError("invalid_field", f"`dialect` must be one of: {', '.join(NAMES)}.", param="dialect")
    if named is None:
        named = "messages" if request.header("anthropic-version") else _name_by_body(raw)
    if named == "chat":
        return CHAT
    dialect: Dialect = getattr(import_module(f"gateway.dialects.{named}.dialect"), named.upper())
    return dialect


def _name_by_body(raw: bytes) -> str:
    try:
        body = object_or_empty(parse_json(raw))
    except ValueError:  # the dialect says what is wrong with it
        return "chat"
    if "input" not in body and _is_messages(body):
        return "messages"
    others = () if "messages" in body else FIELDS_OF
    return next((name for name in others if not FIELDS_OF[name].isdisjoint(body)), "chat")


def _is_messages(body: JsonObject) -> bool:
    return (
        not MESSAGES_FIELDS.isdisjoint(body)
        or any("input_schema" in object_or_empty(tool) for tool in list_or_empty(body.get("tools")))
        or any(_has_messages_block(object_or_empty(each)) for each in list_or_empty(body.get("messages")))
    )


def _has_messages_block(message: JsonObject) -> bool:
    blocks: list[Json] = list_or_empty(message.get("content"))
    types = (object_or_empty(block).get("type") for block in blocks)
    return any(isinstance(each, str) and each in MESSAGES_BLOCKS for each in types)
