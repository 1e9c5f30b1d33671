"""Decides whether an answer with choices may be cached.

Only complete answers with the finish reason ``stop`` and without tool calls are cached. A second request must
not get an answer that was filtered, cut off, or ended by a length limit.
"""

from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty


def is_cacheable(chunks: list[JsonObject]) -> bool:
    """Return whether the chunks of a stream, or a plain answer alone, may be cached."""
    return all(_allows_caching(chunk) for chunk in chunks) and _has_ended(chunks)


def _allows_caching(chunk: JsonObject) -> bool:
    """Return whether nothing in a chunk or a plain answer forbids caching: no error, no tool call, no cut."""
    if chunk.get("error"):
        return False
    for each in list_or_empty(chunk.get("choices")):
        choice = object_or_empty(each)
        message = object_or_empty(choice.get("message") or choice.get("delta"))
        if choice.get("error") or message.get("tool_calls") or message.get("function_call"):
            return False
        if choice.get("finish_reason") not in (None, "stop"):
            return False
    return True


def _has_ended(chunks: list[JsonObject]) -> bool:
    """Return whether every choice has the finish reason ``stop``."""
    ended: dict[Json, bool] = {}
    for chunk in chunks:
        for each in list_or_empty(chunk.get("choices")):
            choice = object_or_empty(each)
            index = choice.get("index")
            place = index if isinstance(index, int) else 0
            ended[place] = ended.get(place, False) or choice.get("finish_reason") == "stop"
    return bool(ended) and all(ended.values())
