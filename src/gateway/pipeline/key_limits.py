"""Applies the limits of a key to a request: the longest answer, and the plugins that it may use."""

from dataclasses import replace

from gateway.dialects.dialect import Dialect
from gateway.dialects.model_request import ModelRequest
from gateway.http.errors import GatewayError
from gateway.http.json_members import Members
from gateway.http.json_values import number_or_none
from gateway.settings.caller import KeyLimits


def limit_request(
    request: ModelRequest, dialect: Dialect, limits: KeyLimits
) -> tuple[ModelRequest, tuple[str, ...]]:
    """Return the request within the limits of its caller's key, and notes about what was changed.

    Raises:
        GatewayError: it uses a plugin or a server tool that the key may not use.
    """
    if limits.plugins is not None and not request.requirements.extras <= limits.plugins:
        allowed = ", ".join(sorted(limits.plugins)) or "none"
        raise GatewayError(
            "not_allowed",
            f"This key may not use a plugin or a server tool of this request. It may use: {allowed}.",
            param="plugins",
        )
    most = limits.max_tokens
    if (
        most is None
        or not dialect.token_limits
        or (request.max_tokens is not None and 0 < request.max_tokens <= most)
    ):
        return request, ()
    note = f"The key limits each answer to {most} tokens."
    return replace(
        request, fields=_with_limit(request.fields, dialect.token_limits, most), max_tokens=most
    ), (note,)


def _with_limit(fields: Members, limits: tuple[str, ...], most: int) -> Members:
    """Return a body's fields with a limit on tokens that is ``most`` or lower; ``limits`` are their names."""
    names = [name for name in limits if fields.value(name) is not None] or [limits[0]]
    limited = fields.without(limits)
    for name in names:
        tokens = number_or_none(fields.value(name))
        limited = limited.plus(name, most if tokens is None or not 0 < tokens <= most else int(tokens))
    return limited
