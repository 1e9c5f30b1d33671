"""The JSON Schemas of the model list: its models, their endpoints, and the parameters of its query."""

from gateway.catalog.query import MAX_SEARCH_CHARACTERS, PARAMETERS, SORTS
from gateway.http.json_values import JsonObject
from gateway.openapi.schemas import reference


def model_schema() -> JsonObject:
    """Return the schema of a model, in the list and alone."""
    price: JsonObject = {"type": ["number", "null"], "minimum": 0, "description": "Null: unknown."}
    return {
        "type": "object",
        "description": "OpenRouter's fields, and the ones listed here.",
        "required": ["id", "object", "owned_by", "usd_per_million_tokens"],
        "properties": {
            "id": {"type": "string"},
            "object": {"const": "model"},
            "owned_by": {"type": "string"},
            "type": {"const": "model", "description": "In Anthropic's form, like the next three."},
            "display_name": {"type": "string"},
            "description": {"type": "string"},
            "created_at": {"type": "string", "format": "date-time"},
            "usd_per_million_tokens": {
                "type": "object",
                "required": ["prompt", "completion"],
                "properties": {"prompt": price, "completion": price},
            },
        },
    }


def model_list_schema() -> JsonObject:
    """Return the schema of the list of models."""
    return {
        "type": "object",
        "required": ["object", "data"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": reference("Model")},
            "total_count": {"type": "integer", "minimum": 0, "description": "The models of all pages."},
            "has_more": {"type": "boolean", "description": "In Anthropic's form, like the next two."},
            "first_id": {"type": ["string", "null"]},
            "last_id": {"type": ["string", "null"]},
        },
    }


def endpoints_schema() -> JsonObject:
    """Return the schema of a model's endpoints. The data is OpenRouter's own."""
    return {"type": "object", "required": ["data"], "properties": {"data": {"type": "object"}}}


def filter_schemas() -> dict[str, JsonObject]:
    """Return the schema of each query parameter of the model list."""
    several: JsonObject = {
        "type": "string",
        "description": "One, or several with commas: a model must have all.",
    }
    schemas: dict[str, JsonObject] = {
        "q": {
            "type": "string",
            "maxLength": MAX_SEARCH_CHARACTERS,
            "description": "Words that the id or the name contains.",
        },
        "supported_parameters": several,
        "max_price": {
            "type": "number",
            "minimum": 0,
            "description": "USD per million tokens, for the more expensive kind of token.",
        },
        "min_context": {"type": "number", "minimum": 0, "description": "Tokens."},
        "free": {"type": "boolean", "description": "Whether the name ends in `:free`."},
        "modality": several,
        "sort": {"enum": [*SORTS]},
        "offset": {"type": "integer", "minimum": 0, "description": "How many to skip at the start."},
        "limit": {"type": "integer", "minimum": 0, "description": "How many to return at most."},
    }
    return {name: schemas[name] for name in PARAMETERS}
