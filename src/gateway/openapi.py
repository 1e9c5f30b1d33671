"""The OpenAPI document, made from the tables that the gateway itself goes by; loaded when it is asked for."""

from gateway.errors import KINDS
from gateway.policy import RULES
from gateway.schemas import (
    chat_request_schema,
    completion_schema,
    error_schema,
    health_schema,
    receipt_schema,
    reference,
)
from gateway.wire import JsonObject

TITLE = "openrouter-edge"

EXAMPLES: JsonObject = {
    "plain": {
        "summary": "One model",
        "value": {
            "model": "openai/gpt-5.4-mini",
            "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
        },
    },
    "chain": {
        "summary": "A chain: the next model answers when one does not",
        "value": {
            "models": ["anthropic/claude-haiku-4.5", "openai/gpt-5.4-mini"],
            "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
            "gateway": {"deadline_ms": 30000, "errors": "all"},
        },
    },
    "stream": {
        "summary": "A stream that starts over with the next model if it breaks off",
        "value": {
            "models": ["anthropic/claude-haiku-4.5", "openai/gpt-5.4-mini"],
            "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
            "stream": True,
            "gateway": {"on_midstream": "restart", "first_token_ms": 10000},
        },
    },
}


def openapi(version: str) -> JsonObject:
    """Return the document. Source: OpenAPI Specification 3.1.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version,
            "description": "One dependable URL in front of OpenRouter. Every path also exists under `/api`.",
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"x-api-key": []}],
        "paths": {
            "/v1/chat/completions": {"post": _chat()},
            "/api/v1/chat/completions": {"post": _chat() | {"operationId": "createChatCompletionUnderApi"}},
            "/health": {"get": _open("getHealth", "Whether this Worker is set up", reference("Health"))},
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
                "Receipt": receipt_schema(),
                "Error": error_schema(),
                "Health": health_schema(),
            },
        },
    }


def _chat() -> JsonObject:
    failed: JsonObject = {str(status): _response("Failed", "Error") for status in _error_statuses()}
    answered: JsonObject = {
        "description": "A model answered",
        "content": {
            "application/json": {"schema": reference("Completion")},
            "text/event-stream": {},  # server-sent events: their schema is beyond OpenAPI 3.1
        },
    }
    return {
        "operationId": "createChatCompletion",
        "summary": "Ask a chain of models",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference("ChatRequest"), "examples": EXAMPLES}},
        },
        "responses": {"200": answered, **failed},
    }


def _error_statuses() -> list[int]:
    """Return every status that an error of this gateway can have; an upstream's own passes too."""
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
