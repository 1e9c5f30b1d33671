"""The operations of the OpenAPI document that only read: models, keys, usage, health."""

from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.openapi.models_schema import filter_schemas
from gateway.openapi.operation_parts import failures, response
from gateway.openapi.schemas import reference
from gateway.openapi.usage_schema import usage_parameters


def key() -> JsonObject:
    """Return the operation of the state of the caller's key."""
    shown = response("The caller's limits, its spending, and what remains", "Key")
    return {
        "operationId": "getKey",
        "summary": "The state of the caller's key",
        "responses": {"200": shown, **failures()},
    }


def openrouters_key() -> JsonObject:
    """Return the operation of the same in OpenRouter's form."""
    shown = response("The same in OpenRouter's form", "OpenRouterKey")
    return {
        "operationId": "getKeyUnderApi",
        "summary": "The state of the caller's key, as OpenRouter's SDKs read it",
        "responses": {"200": shown, **failures()},
    }


def usage() -> JsonObject:
    """Return the operation of usage and its cost."""
    return {
        "operationId": "getUsage",
        "summary": "Usage and its cost",
        "parameters": usage_parameters(),
        "responses": {"200": _csv_or("Usage"), **failures()},
    }


def _csv_or(schema: str) -> JsonObject:
    content: JsonObject = {"application/json": {"schema": reference(schema)}, "text/csv": {}}
    return {"description": "The series, and in JSON its totals", "content": content}


def health() -> JsonObject:
    """Return the operation of the health check."""
    operation = open_to_all("getHealth", "Whether this Worker is set up", reference("Health"))
    description = "1 also checks that the models of each chain are listed. This needs a key."
    parameters: list[Json] = [
        {"name": "deep", "in": "query", "description": description, "schema": {"enum": ["0", "1"]}}
    ]
    refused = {status: response("Refused", "Error") for status in ("400", "401", "403", "429", "503")}
    responses: JsonObject = {**object_or_empty(operation["responses"]), **refused}
    return operation | {"parameters": parameters, "responses": responses}


def models() -> JsonObject:
    """Return the operation of the model list."""
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


def of_model(operation: str, summary: str, schema: str) -> JsonObject:
    """Return the operation of one model, or a part of it, by author and slug."""
    author = _in_path("author", r"^~?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$")
    return _shown(operation, summary, schema) | {"parameters": [author, _slug()]}


def of_slug(operation: str, summary: str, schema: str) -> JsonObject:
    """Return the operation of the same by slug alone."""
    return _shown(operation, summary, schema) | {"parameters": [_slug()]}


def _slug() -> JsonObject:
    return _in_path("slug", r"^[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}$")


def _in_path(name: str, pattern: str) -> JsonObject:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": pattern}}


def _shown(operation: str, summary: str, schema: str) -> JsonObject:
    responses: JsonObject = {
        "200": response(summary, schema),
        "304": {"description": "The client's copy is current"},
        **failures(),
    }
    return {"operationId": operation, "summary": summary, "responses": responses}


def open_to_all(operation: str, summary: str, schema: JsonObject) -> JsonObject:
    """Return the operation of a route that needs no key."""
    content: JsonObject = {"application/json": {"schema": schema}}
    failed = response("A setting is wrong", "Error")
    return {
        "operationId": operation,
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": summary, "content": content}, "500": failed},
    }
