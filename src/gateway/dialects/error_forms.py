"""Finds the error that a body or an event reports, in any of the forms that upstreams use."""

from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

# Words of `object`, `type` or `status` that mark an error.
_MARKS = frozenset({"error", "failed", "failure"})
# Values of `code` that upstreams send with a success.
_GOOD_CODES = frozenset({0, 200, "", "0", "200", "ok", "OK", "success", "Success"})
_LEAST_ERROR_STATUS = 400
_TEXTS = ("message", "msg", "detail", "error_msg", "error_message")


def error_in(payload: Json) -> Json:
    """Return the error that a JSON value reports instead of an answer; None if it reports none.

    Sources: OpenRouter and OpenAI ``{"error": …}``; Google ``[{"error": …}]``; vLLM
    ``{"object": "error", …}``; FastAPI ``{"detail": …}``; Anthropic ``{"type": "error", "error": …}``; Z.ai
    and Cohere ``{"code": …, "message": …}``; Cloudflare ``{"success": false, "errors": […]}``.
    """
    if isinstance(payload, list):
        payload = payload[0] if payload else None
    if not isinstance(payload, dict):
        return None
    error = payload.get("error")
    if error and error is not True:
        return error
    if list_or_empty(payload.get("choices")):
        return True if error else None
    first = next(iter(list_or_empty(payload.get("errors"))), None)
    if isinstance(first, (dict, str)) and first:
        return first
    return _as_error(payload) if error or _reports_error(payload) else None


def _reports_error(payload: JsonObject) -> bool:
    """Return whether an object without choices reports an error by its other fields."""
    marks = (payload.get(name) for name in ("object", "type", "status"))
    return (
        any(isinstance(mark, str) and mark.lower() in _MARKS for mark in marks)
        or payload.get("success") is False
        or bool(payload.get("detail"))
        or (_code_of(payload) is not None and any(isinstance(payload.get(name), str) for name in _TEXTS))
    )


def _code_of(payload: JsonObject) -> int | str | None:
    """Return the code of an error that stands at the top level; None if no field has one."""
    code = payload.get("code")
    if isinstance(code, (int, str)) and not isinstance(code, bool) and code not in _GOOD_CODES:
        return code
    statuses = (payload.get(name) for name in ("status_code", "status", "statusCode"))
    return next((each for each in statuses if isinstance(each, int) and each >= _LEAST_ERROR_STATUS), None)


def _as_error(payload: JsonObject) -> JsonObject:
    """Return the fields of an error that stand at the top level, in OpenAI's form."""
    detail = payload.get("detail")
    first = object_or_empty(next(iter(list_or_empty(detail)), detail))
    texts = (*(payload.get(name) for name in _TEXTS), first.get("msg"), first.get("message"))
    return {
        "message": next((each for each in texts if isinstance(each, str) and each), None),
        "code": _code_of(payload),
        **{name: payload[name] for name in ("type", "metadata") if payload.get(name)},
    }
