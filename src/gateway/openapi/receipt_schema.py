"""The JSON Schemas of a receipt, and of what plans have in common with it."""

from typing import get_args

from gateway.fallback.attempt import MAX_MESSAGE_CHARACTERS
from gateway.faults.policy import RULES
from gateway.http.json_values import JsonObject
from gateway.routing.chain import LimitName


def resolved_schema() -> JsonObject:
    """Return the schema of what the names of a request stand for."""
    return {
        "type": "object",
        "description": "By the name that was written, the model or task that it stands for.",
        "additionalProperties": {"type": "string"},
    }


def route_schema() -> JsonObject:
    """Return the schema of a task route that a condition has chosen."""
    return {
        "type": "object",
        "description": "The task route that a condition has chosen, and what of the condition was met.",
        "required": ["task", "when"],
        "properties": {"task": {"type": "string"}, "when": {"type": "object"}},
    }


def receipt_schema() -> JsonObject:
    """Return the schema of a receipt: what a request tried, and how each attempt ended."""
    attempt: JsonObject = {
        "type": "object",
        "required": [
            "model",
            "number",
            "upstream",
            "outcome",
            "source",
            "code",
            "status",
            "ms",
            "cost_usd",
            "billed",
        ],
        "properties": {
            "model": {"type": "string"},
            "number": {"type": "integer", "minimum": 1},
            "upstream": {"type": "string"},
            "outcome": {"enum": ["under_way", "answered", "failed", "cut_off", "cancelled"]},
            "source": {"enum": ["client", "gateway", "openrouter", "provider", None]},
            "code": {"enum": [*RULES, None]},
            "status": {"type": ["integer", "null"]},
            "ms": {"type": "integer", "minimum": 0},
            "cost_usd": {"type": ["number", "null"]},
            "billed": {"enum": ["yes", "no", "unknown"]},
            "watched": {"const": True, "description": "A stream was requested for a plain answer."},
            "signed_parts_removed": {
                "type": "integer",
                "minimum": 1,
                "description": "How many signed parts of the messages it did not get.",
            },
            "message": {
                "type": "string",
                "maxLength": MAX_MESSAGE_CHARACTERS,
                "description": "If it failed, the beginning of what the upstream said, if it said anything.",
            },
            **time_limit_properties("If a time limit ended it: "),
        },
    }
    return {
        "type": "object",
        "required": ["request_id", "requested", "served", "attempts", "cost_usd", "ms"],
        "properties": {
            "request_id": {"type": "string"},
            "requested": {"type": "array", "items": {"type": "string"}},
            "resolved": resolved_schema(),
            "route": route_schema(),
            "served": {"type": ["string", "null"]},
            "attempts": {"type": "array", "items": attempt},
            "sticky": {
                "const": True,
                "description": "The model was chosen because it answered the session last.",
            },
            "signed_by": {
                "type": "string",
                "description": "The model, or the author, that made the newest signed part of the messages.",
            },
            "cache": {
                "type": "object",
                "description": "If `cache_ttl_s` was set: whether a cached answer was returned, and its age.",
                "required": ["hit", "age_s"],
                "properties": {
                    "hit": {"type": "boolean"},
                    "age_s": {"type": ["integer", "null"], "minimum": 0},
                    "items": {"type": "integer", "minimum": 1, "description": "How many inputs there are."},
                    "items_hit": {"type": "integer", "minimum": 0, "description": "How many were cached."},
                },
            },
            "embedding_space": {
                "type": "string",
                "description": "The model of the vectors, and their number of dimensions.",
            },
            "skipped": {"type": "array", "items": {"type": "object", "required": ["model", "reason"]}},
            "notes": {"type": "array", "items": {"type": "string"}},
            "cost_usd": {"type": ["number", "null"]},
            "ms": {"type": "integer", "minimum": 0},
        },
    }


def time_limit_properties(when: str) -> JsonObject:
    """Return the schemas of the fields that show a time limit; each description begins with ``when``."""
    return {
        "limit": {"enum": [*get_args(LimitName)], "description": f"{when}which one."},
        "limit_ms": {"type": "integer", "minimum": 0, "description": f"{when}its length."},
        "because": {"type": "string", "description": f"{when}where it comes from."},
    }
