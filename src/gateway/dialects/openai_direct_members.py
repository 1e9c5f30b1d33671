"""Adapts a chat or a completion to direct upstreams, which the gateway calls without OpenRouter."""

from gateway.dialects.model_request import ModelRequest
from gateway.dialects.openai_fields import OPENROUTERS_OWN
from gateway.http.json_members import Buffer, member
from gateway.http.json_values import object_or_empty


def direct_members(request: ModelRequest, *, takes_effort: bool) -> dict[str, Buffer] | None:
    """Return the body's members for an upstream that is not OpenRouter; None if they are the caller's own.

    Fields that only OpenRouter understands are left out. A stream is asked for its usage, which OpenRouter
    always sends.

    Args:
        request: the request.
        takes_effort: whether OpenRouter's ``reasoning.effort`` becomes OpenAI's ``reasoning_effort``, which
            chats have and completions have not.

    Source: OpenAI API reference, "Create chat completion", "Create completion": unknown fields are refused.
    """
    if not (request.openrouters_own or request.stream):
        return None
    members = request.fields.views()
    effort = object_or_empty(request.fields.value("reasoning")).get("effort")
    if takes_effort and effort is not None and "reasoning_effort" not in members:
        members["reasoning_effort"] = member("reasoning_effort", effort)
    if request.stream:
        options = object_or_empty(request.fields.value("stream_options"))
        members["stream_options"] = member("stream_options", {**options, "include_usage": True})
    return {name: each for name, each in members.items() if name not in OPENROUTERS_OWN}
