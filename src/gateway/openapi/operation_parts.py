"""What the operations of the OpenAPI document have in common: bodies, responses, failures."""

from gateway.faults.policy import RULES
from gateway.http.errors import KINDS
from gateway.http.json_values import JsonObject
from gateway.openapi.schemas import reference


def response(description: str, schema: str) -> JsonObject:
    """Return a response with a body of JSON."""
    return {"description": description, "content": {"application/json": {"schema": reference(schema)}}}


def failures(schema: str = "Error") -> JsonObject:
    """Return the responses of all errors, by status."""
    return {str(status): response("Failed", schema) for status in _error_statuses()}


def _error_statuses() -> list[int]:
    """Return every status of the gateway's own errors; other statuses of an upstream are passed on."""
    return sorted({kind.status for kind in KINDS.values()} | {rule.status for rule in RULES.values()})


def body(schema: str) -> JsonObject:
    """Return a request body of JSON."""
    return {"required": True, "content": {"application/json": {"schema": reference(schema)}}}
