"""The operations of the OpenAPI document that manage keys. Most are for admins."""

from gateway.access.key_table import MAX_PAGE
from gateway.http.json_values import Json, JsonObject
from gateway.openapi.keys_schema import NAME
from gateway.openapi.operation_parts import body, failures, response

_NAME: JsonObject = {"name": "name", "in": "path", "required": True, "schema": NAME}


def keys() -> JsonObject:
    """Return the operations at the path of all keys."""
    made: JsonObject = {"201": response("The key, with its token", "NewKey"), **failures()}
    limit: JsonObject = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}
    parameters: list[Json] = [
        {"name": "after", "in": "query", "description": "The last name of a page.", "schema": NAME},
        {"name": "limit", "in": "query", "schema": limit},
    ]
    listed = _shown("listKeys", "The keys of the database, by name", "KeyList")
    return {
        "post": {
            "operationId": "makeKey",
            "summary": "Make a key",
            "requestBody": body("KeyRequest"),
            "responses": made,
        },
        "get": listed | {"parameters": parameters},
    }


def lending() -> JsonObject:
    """Return the operation that lends a part of the caller's key. It is for every key of the gateway."""
    summary = "Lend a part of the caller's key, for a sub-agent or a job"
    return {
        "post": {
            "operationId": "lendKey",
            "summary": summary,
            "requestBody": {**body("LendRequest"), "required": False},
            "responses": {"201": response("The lent key, with its token", "LentKey"), **failures()},
        }
    }


def one_key() -> JsonObject:
    """Return the operations at the path of one key."""
    changed = _shown("changeKey", "Set and remove fields of a key", "StoredKey")
    return {
        "parameters": [_NAME],
        "get": _shown("getStoredKey", "A key, and its last changes", "StoredKey"),
        "patch": changed | {"requestBody": body("KeyChanges")},
        "delete": _shown("revokeKey", "Revoke a key", "StoredKey"),
    }


def rotation() -> JsonObject:
    """Return the operation that gives a key a new token."""
    sent: JsonObject = {**body("KeyRotation"), "required": False}
    rotated = _shown("rotateKey", "Give a key a new token", "NewKey")
    return {"parameters": [_NAME], "post": rotated | {"requestBody": sent}}


def _shown(operation: str, summary: str, schema: str) -> JsonObject:
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": response(summary, schema), **failures()},
    }
