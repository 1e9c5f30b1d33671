"""Builds the OpenAPI document from the tables that the gateway itself uses.

The module is imported by the first request for the document.
"""

from gateway.http.json_values import JsonObject
from gateway.openapi.data_schema import (
    embeddings_request_schema,
    embeddings_schema,
    images_request_schema,
    images_schema,
    rerank_request_schema,
    rerank_schema,
)
from gateway.openapi.error_schema import error_schema
from gateway.openapi.key_schema import key_schema, openrouters_key_schema
from gateway.openapi.messages_schema import (
    message_schema,
    messages_error_schema,
    messages_request_schema,
    token_count_schema,
)
from gateway.openapi.model_operations import chat, count_tokens, data, images, messages, plan, responses
from gateway.openapi.models_schema import endpoints_schema, model_list_schema, model_schema
from gateway.openapi.plan_schema import health_schema, plan_schema
from gateway.openapi.reading_operations import (
    health,
    key,
    models,
    of_model,
    of_slug,
    open_to_all,
    openrouters_key,
    usage,
)
from gateway.openapi.receipt_schema import receipt_schema
from gateway.openapi.responses_schema import response_schema, responses_request_schema
from gateway.openapi.schemas import chat_request_schema, completion_schema
from gateway.openapi.usage_schema import usage_schema

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
            "/v1/chat/completions": {"post": chat()},
            "/api/v1/chat/completions": {"post": chat() | {"operationId": "createChatCompletionUnderApi"}},
            "/v1/messages": {"post": messages()},
            "/v1/messages/count_tokens": {"post": count_tokens()},
            "/v1/responses": {"post": responses()},
            "/v1/embeddings": {
                "post": data("createEmbeddings", "Vectors for texts, of one model", "Embeddings")
            },
            "/v1/rerank": {
                "post": data("rerank", "Documents, sorted by how well they fit a query", "Rerank")
            },
            "/v1/images": {"post": images()},
            "/v1/images/generations": {"post": images() | {"operationId": "createImagesAsOpenAi"}},
            "/v1/plan": {"post": plan()},
            "/v1/usage": {"get": usage()},
            "/v1/key": {"get": key()},
            "/api/v1/key": {"get": openrouters_key()},
            "/v1/models": {"get": models()},
            "/v1/models/{author}/{slug}": {"get": of_model("getModel", "One model", "Model")},
            "/v1/models/{author}/{slug}/endpoints": {
                "get": of_model("getEndpoints", "A model's current endpoints", "Endpoints")
            },
            "/v1/models/{slug}": {"get": of_slug("getModelBySlug", "The only model of this slug", "Model")},
            "/v1/models/{slug}/endpoints": {
                "get": of_slug(
                    "getEndpointsBySlug", "The endpoints of the only model of this slug", "Endpoints"
                )
            },
            "/health": {"get": health()},
            "/openapi.json": {"get": open_to_all("getOpenapi", "This document", {"type": "object"})},
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
