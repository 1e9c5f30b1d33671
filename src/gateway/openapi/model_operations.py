"""The operations of the OpenAPI document that ask models, count for them, or plan."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.names import NAMES
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.session_headers import AGENT_HEADERS, SESSION_HEADERS
from gateway.openapi.examples import EXAMPLES
from gateway.openapi.operation_parts import body, failures, response
from gateway.openapi.schemas import reference


def chat() -> JsonObject:
    """Return the operation of chat completions."""
    operation = _generation(
        "createChatCompletion", "Send a chat request to a chain of models", "ChatRequest", "Completion"
    )
    return operation | {"requestBody": _with_examples(reference("ChatRequest"))}


def messages() -> JsonObject:
    """Return the operation of Anthropic's Messages."""
    said = "Goes to OpenRouter, like every header that begins with `anthropic-`."
    return _generation(
        "createMessage",
        "Send a Messages request, as Anthropic's clients do, to a chain of models",
        "MessagesRequest",
        "Message",
        headers={"anthropic-version": said, "anthropic-beta": said},
        error="MessagesError",
    )


def responses() -> JsonObject:
    """Return the operation of OpenAI's Responses."""
    said = "Codex gets errors in the forms at which it stops, if its name begins with `codex`."
    return _generation(
        "createResponse",
        "Send a request in the form of OpenAI's Responses to a chain of models",
        "ResponsesRequest",
        "Response",
        headers={"originator": said},
    )


def _generation(
    operation: str,
    summary: str,
    request: str,
    answer: str,
    *,
    headers: Mapping[str, str] = MappingProxyType({}),
    error: str = "Error",
) -> JsonObject:
    """Return an operation whose answer may be streamed.

    Args:
        operation: its ID.
        summary: what it does.
        request: the name of the request's schema.
        answer: the name of the answer's schema.
        headers: what is said of each header that only it has.
        error: the name of the schema of its errors.
    """
    answered = response("A model answered", answer)
    content = object_or_empty(answered["content"])
    content["text/event-stream"] = {}  # OpenAPI 3.1 has no schema for server-sent events
    return {
        "operationId": operation,
        "summary": summary,
        "parameters": [*_agent_headers(), *_headers(headers)],
        "requestBody": body(request),
        "responses": {"200": answered, **failures(error)},
    }


def _headers(described: Mapping[str, str]) -> list[Json]:
    schema: JsonObject = {"type": "string"}
    return [
        {"name": name, "in": "header", "description": description, "schema": schema}
        for name, description in described.items()
    ]


def _with_examples(schema: JsonObject) -> JsonObject:
    """Return a request body of JSON with examples of chats."""
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": EXAMPLES}}}


def data(operation: str, summary: str, schema: str) -> JsonObject:
    """Return an operation whose answer is never streamed. ``schema`` is the answer's name."""
    return {
        "operationId": operation,
        "summary": summary,
        "requestBody": body(f"{schema}Request"),
        "responses": {"200": response("A model answered", schema), **failures()},
    }


def images() -> JsonObject:
    """Return the operation of images, which may be streamed."""
    return _generation("createImages", "Pictures for a prompt", "ImagesRequest", "Images")


def count_tokens() -> JsonObject:
    """Return the operation that estimates the tokens of a Messages request."""
    return {
        "operationId": "countTokens",
        "summary": "About how many tokens a Messages request has; no call is made for it",
        "requestBody": body("MessagesRequest"),
        "responses": {"200": response("The estimate", "TokenCount"), **failures("MessagesError")},
    }


def plan() -> JsonObject:
    """Return the operation of plans."""
    planned = response("The chain that the request would use now; no model is called", "Plan")
    said = "The wire format of the body. Without it the header `anthropic-version` or the body tells."
    requests = (
        "ChatRequest",
        "MessagesRequest",
        "ResponsesRequest",
        "EmbeddingsRequest",
        "RerankRequest",
        "ImagesRequest",
    )
    schemas: JsonObject = {"anyOf": [reference(each) for each in requests]}
    dialect: JsonObject = {"enum": [*NAMES]}
    return {
        "operationId": "planRequest",
        "summary": "What a request would do",
        "parameters": [
            {"name": "dialect", "in": "query", "description": said, "schema": dialect},
            *_agent_headers(),
        ],
        "requestBody": _with_examples(schemas),
        "responses": {"200": planned, **failures()},
    }


def _agent_headers() -> list[Json]:
    session = "The name of the session, if the body has no `session_id`."
    said = "What an agent says of the request; the conditions of a task route compare it."
    described = dict.fromkeys(SESSION_HEADERS, session) | dict.fromkeys(AGENT_HEADERS.values(), said)
    return _headers(described)
