"""Builds the OpenAPI document from the tables that the gateway itself uses.

The module is imported by the first request for the document.
"""

from gateway.faults.policy import RULES
from gateway.http.errors import KINDS
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.session_headers import AGENT_HEADERS, SESSION_HEADERS
from gateway.openapi.data_schema import (
    embeddings_request_schema,
    embeddings_schema,
    images_request_schema,
    images_schema,
    recording_form_schema,
    rerank_request_schema,
    rerank_schema,
    speech_request_schema,
    transcriptions_request_schema,
    transcriptions_schema,
)
from gateway.openapi.examples import EXAMPLES
from gateway.openapi.key_schema import key_schema, openrouters_key_schema
from gateway.openapi.messages_schema import (
    message_schema,
    messages_error_schema,
    messages_request_schema,
    token_count_schema,
)
from gateway.openapi.plan_schema import DIALECTS, health_schema, plan_schema
from gateway.openapi.responses_schema import response_schema, responses_request_schema
from gateway.openapi.schemas import (
    chat_request_schema,
    completion_schema,
    endpoints_schema,
    error_schema,
    filter_schemas,
    model_list_schema,
    model_schema,
    receipt_schema,
    reference,
)
from gateway.openapi.usage_schema import usage_parameters, usage_schema

TITLE = "openrouter-edge"


def openapi(version: str) -> JsonObject:
    """Return the document; ``version`` is the gateway's. Source: OpenAPI Specification 3.1.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version,
            "description": "One dependable URL in front of OpenRouter. `/v1` also exists under `/api`.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"x-api-key": []}],
        "paths": {
            "/v1/chat/completions": {"post": _chat()},
            "/api/v1/chat/completions": {"post": _chat() | {"operationId": "createChatCompletionUnderApi"}},
            "/v1/messages": {"post": _messages()},
            "/v1/messages/count_tokens": {"post": _count_tokens()},
            "/v1/responses": {"post": _responses()},
            "/v1/embeddings": {
                "post": _data("createEmbeddings", "Vectors for texts, of one model", "Embeddings")
            },
            "/v1/rerank": {
                "post": _data("rerank", "Documents, sorted by how well they fit a query", "Rerank")
            },
            "/v1/images": {"post": _images()},
            "/v1/images/generations": {"post": _images() | {"operationId": "createImagesAsOpenAi"}},
            "/v1/audio/transcriptions": {"post": _transcriptions()},
            "/v1/audio/speech": {"post": _speech()},
            "/v1/plan": {"post": _plan()},
            "/v1/usage": {"get": _usage()},
            "/v1/key": {"get": _key()},
            "/api/v1/key": {"get": _openrouters_key()},
            "/v1/models": {"get": _models()},
            "/v1/models/{author}/{slug}": {"get": _of_model("getModel", "One model", "Model")},
            "/v1/models/{author}/{slug}/endpoints": {
                "get": _of_model("getEndpoints", "A model's current endpoints", "Endpoints")
            },
            "/v1/models/{slug}": {"get": _of_slug("getModelBySlug", "The only model of this slug", "Model")},
            "/v1/models/{slug}/endpoints": {
                "get": _of_slug(
                    "getEndpointsBySlug", "The endpoints of the only model of this slug", "Endpoints"
                )
            },
            "/health": {"get": _health()},
            "/openapi.json": {"get": _open("getOpenapi", "This document", {"type": "object"})},
        },
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": {
                "ChatRequest": chat_request_schema(),
                "Completion": completion_schema(),
                "MessagesRequest": messages_request_schema(),
                "Message": message_schema(),
                "TokenCount": token_count_schema(),
                "MessagesError": messages_error_schema(),
                "ResponsesRequest": responses_request_schema(),
                "Response": response_schema(),
                "EmbeddingsRequest": embeddings_request_schema(),
                "Embeddings": embeddings_schema(),
                "RerankRequest": rerank_request_schema(),
                "Rerank": rerank_schema(),
                "ImagesRequest": images_request_schema(),
                "Images": images_schema(),
                "SpeechRequest": speech_request_schema(),
                "TranscriptionsRequest": transcriptions_request_schema(),
                "Transcriptions": transcriptions_schema(),
                "Receipt": receipt_schema(),
                "Plan": plan_schema(),
                "Key": key_schema(),
                "OpenRouterKey": openrouters_key_schema(),
                "Usage": usage_schema(),
                "Model": model_schema(),
                "ModelList": model_list_schema(),
                "Endpoints": endpoints_schema(),
                "Error": error_schema(),
                "Health": health_schema(),
            },
        },
    }


def _chat() -> JsonObject:
    answered: JsonObject = {
        "description": "A model answered",
        "content": {
            "application/json": {"schema": reference("Completion")},
            "text/event-stream": {},  # OpenAPI 3.1 has no schema for server-sent events
        },
    }
    return {
        "operationId": "createChatCompletion",
        "summary": "Send a chat request to a chain of models",
        "parameters": _agent_headers(),
        "requestBody": _chat_body(),
        "responses": {"200": answered, **_failures()},
    }


def _messages() -> JsonObject:
    answered: JsonObject = {
        "description": "A model answered",
        "content": {"application/json": {"schema": reference("Message")}, "text/event-stream": {}},
    }
    return {
        "operationId": "createMessage",
        "summary": "Send a Messages request, as Anthropic's clients do, to a chain of models",
        "parameters": [*_agent_headers(), *_anthropic_headers()],
        "requestBody": _body("MessagesRequest"),
        "responses": {"200": answered, **_failures("MessagesError")},
    }


def _data(operation: str, summary: str, schema: str) -> JsonObject:
    """Return an operation whose answer is never streamed. ``schema`` is the answer's name."""
    return {
        "operationId": operation,
        "summary": summary,
        "requestBody": _body(f"{schema}Request"),
        "responses": {"200": _response("A model answered", schema), **_failures()},
    }


def _responses() -> JsonObject:
    said = "Codex gets errors in the forms at which it stops, if its name begins with `codex`."
    answered: JsonObject = {
        "description": "A model answered",
        "content": {"application/json": {"schema": reference("Response")}, "text/event-stream": {}},
    }
    return {
        "operationId": "createResponse",
        "summary": "Send a request in the form of OpenAI's Responses to a chain of models",
        "parameters": [
            *_agent_headers(),
            {"name": "originator", "in": "header", "description": said, "schema": {"type": "string"}},
        ],
        "requestBody": _body("ResponsesRequest"),
        "responses": {"200": answered, **_failures()},
    }


def _images() -> JsonObject:
    return _data("createImages", "Pictures for a prompt", "Images")


def _transcriptions() -> JsonObject:
    said = _data("createTranscription", "The text of a recording", "Transcriptions")
    json_body = _body("TranscriptionsRequest")
    form: JsonObject = {"multipart/form-data": {"schema": recording_form_schema()}}
    return said | {"requestBody": json_body | {"content": object_or_empty(json_body["content"]) | form}}


def _speech() -> JsonObject:
    spoken: JsonObject = {
        "description": "A model speaks. The receipt is in the headers",
        "content": {"audio/*": {}, "application/octet-stream": {}},
    }
    return {
        "operationId": "createSpeech",
        "summary": "A text, spoken by a model",
        "requestBody": _body("SpeechRequest"),
        "responses": {"200": spoken, **_failures()},
    }


def _count_tokens() -> JsonObject:
    return {
        "operationId": "countTokens",
        "summary": "About how many tokens a Messages request has; no call is made for it",
        "requestBody": _body("MessagesRequest"),
        "responses": {"200": _response("The estimate", "TokenCount"), **_failures("MessagesError")},
    }


def _anthropic_headers() -> list[Json]:
    said = "Goes to OpenRouter, like every header that begins with `anthropic-`."
    return [
        {"name": name, "in": "header", "description": said, "schema": {"type": "string"}}
        for name in ("anthropic-version", "anthropic-beta")
    ]


def _body(schema: str) -> JsonObject:
    return {"required": True, "content": {"application/json": {"schema": reference(schema)}}}


def _plan() -> JsonObject:
    planned = _response("The chain that the request would use now; no model is called", "Plan")
    said = "The wire format of the body. Without it the header `anthropic-version` or the body tells."
    requests = (
        "ChatRequest",
        "MessagesRequest",
        "ResponsesRequest",
        "EmbeddingsRequest",
        "RerankRequest",
        "ImagesRequest",
        "TranscriptionsRequest",
        "SpeechRequest",
    )
    schemas: JsonObject = {"anyOf": [reference(each) for each in requests]}
    content: JsonObject = {"schema": schemas, "examples": EXAMPLES}
    dialect: JsonObject = {"enum": [*DIALECTS]}
    return {
        "operationId": "planRequest",
        "summary": "What a request would do",
        "parameters": [
            {"name": "dialect", "in": "query", "description": said, "schema": dialect},
            *_agent_headers(),
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {"200": planned, **_failures()},
    }


def _agent_headers() -> list[Json]:
    session = "The name of the session, if the body has no `session_id`."
    said = "What an agent says of the request; the conditions of a task route compare it."
    described = dict.fromkeys(SESSION_HEADERS, session) | dict.fromkeys(AGENT_HEADERS.values(), said)
    schema: JsonObject = {"type": "string"}
    return [
        {"name": name, "in": "header", "description": description, "schema": schema}
        for name, description in described.items()
    ]


def _chat_body() -> JsonObject:
    content: JsonObject = {"schema": reference("ChatRequest"), "examples": EXAMPLES}
    return {"required": True, "content": {"application/json": content}}


def _key() -> JsonObject:
    shown = _response("The caller's limits, its spending, and what remains", "Key")
    return {
        "operationId": "getKey",
        "summary": "The state of the caller's key",
        "responses": {"200": shown, **_failures()},
    }


def _openrouters_key() -> JsonObject:
    shown = _response("The same in OpenRouter's form", "OpenRouterKey")
    return {
        "operationId": "getKeyUnderApi",
        "summary": "The state of the caller's key, as OpenRouter's SDKs read it",
        "responses": {"200": shown, **_failures()},
    }


def _usage() -> JsonObject:
    return {
        "operationId": "getUsage",
        "summary": "Usage and its cost",
        "parameters": usage_parameters(),
        "responses": {"200": _csv_or("Usage"), **_failures()},
    }


def _csv_or(schema: str) -> JsonObject:
    content: JsonObject = {"application/json": {"schema": reference(schema)}, "text/csv": {}}
    return {"description": "The series, and in JSON its totals", "content": content}


def _health() -> JsonObject:
    operation = _open("getHealth", "Whether this Worker is set up", reference("Health"))
    description = "1 also checks that the models of each chain are listed. This needs a key."
    parameters: list[Json] = [
        {"name": "deep", "in": "query", "description": description, "schema": {"enum": ["0", "1"]}}
    ]
    refused = {status: _response("Refused", "Error") for status in ("400", "401", "403", "429", "503")}
    responses: JsonObject = {**object_or_empty(operation["responses"]), **refused}
    return operation | {"parameters": parameters, "responses": responses}


def _models() -> JsonObject:
    parameters: list[Json] = [
        {"name": name, "in": "query", "schema": schema} for name, schema in filter_schemas().items()
    ]
    parameters += _claude_parameters()
    return _shown("listModels", "The models that OpenRouter lists", "ModelList") | {"parameters": parameters}


def _claude_parameters() -> list[Json]:
    """Return the parameters of Anthropic's form of the list; ``limit`` is one of both forms."""
    said = "For the form of Anthropic's list: `limit` is then 20 if it is missing, and 1000 at most."
    header: JsonObject = {"type": "string"}
    page = "With `anthropic-version`: the page begins behind, or ends before, the model of this id."
    ids: list[Json] = [
        {"name": name, "in": "query", "description": page, "schema": {"type": "string"}}
        for name in ("after_id", "before_id")
    ]
    return [{"name": "anthropic-version", "in": "header", "description": said, "schema": header}, *ids]


def _of_model(operation: str, summary: str, schema: str) -> JsonObject:
    author = _in_path("author", r"^~?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$")
    return _shown(operation, summary, schema) | {"parameters": [author, _slug()]}


def _of_slug(operation: str, summary: str, schema: str) -> JsonObject:
    return _shown(operation, summary, schema) | {"parameters": [_slug()]}


def _slug() -> JsonObject:
    return _in_path("slug", r"^[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}$")


def _in_path(name: str, pattern: str) -> JsonObject:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}


def _shown(operation: str, summary: str, schema: str) -> JsonObject:
    responses: JsonObject = {
        "200": _response(summary, schema),
        "304": {"description": "The client's copy is current"},
        **_failures(),
    }
    return {"operationId": operation, "summary": summary, "responses": responses}


def _failures(schema: str = "Error") -> JsonObject:
    return {str(status): _response("Failed", schema) for status in _error_statuses()}


def _error_statuses() -> list[int]:
    """Return every status of the gateway's own errors; other statuses of an upstream are passed on."""
    return sorted({kind.status for kind in KINDS.values()} | {rule.status for rule in RULES.values()})


def _open(operation: str, summary: str, schema: JsonObject) -> JsonObject:
    content: JsonObject = {"application/json": {"schema": schema}}
    failed = _response("A setting is wrong", "Error")
    return {
        "operationId": operation,
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": summary, "content": content}, "500": failed},
    }


def _response(description: str, schema: str) -> JsonObject:
    return {"description": description, "content": {"application/json": {"schema": reference(schema)}}}
