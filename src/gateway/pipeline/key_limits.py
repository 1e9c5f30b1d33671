"""Applies the limits of a key to a chat: the longest answer, and the plugins that it may use."""

from dataclasses import replace

from gateway.dialects.model_request import ModelRequest
from gateway.http.errors import GatewayError
from gateway.http.json_members import Members
from gateway.http.json_values import number_or_none
from gateway.settings.caller import KeyLimits

TOKEN_FIELDS = ("max_tokens", "max_completion_tokens")


def limit_chat(chat: ModelRequest, limits: KeyLimits) -> tuple[ModelRequest, tuple[str, ...]]:
    """Return the chat within the limits of its caller's key, and notes about what was changed.

    Raises:
        GatewayError: it uses a plugin or a server tool that the key may not use.
    """
    if limits.plugins is not None and not chat.requirements.extras <= limits.plugins:
        allowed = ", ".join(sorted(limits.plugins)) or "none"
        raise GatewayError(
            "not_allowed",
            f"This key may not use a plugin or a server tool of this request. It may use: {allowed}.",
            param="plugins",
        )
    most = limits.max_tokens
    if most is None or (chat.max_tokens is not None and 0 < chat.max_tokens <= most):
        return chat, ()
    note = f"The key limits each answer to {most} tokens."
    return replace(chat, fields=_with_limit(chat.fields, most), max_tokens=most), (note,)


def _with_limit(fields: Members, most: int) -> Members:
    """Return a body's fields with a limit on tokens that is ``most`` or lower."""
    names = [name for name in TOKEN_FIELDS if fields.value(name) is not None] or ["max_tokens"]
    limited = fields.without(TOKEN_FIELDS)
    for name in names:
        tokens = number_or_none(fields.value(name))
        limited = limited.plus(name, most if tokens is None or not 0 < tokens <= most else int(tokens))
    return limited
