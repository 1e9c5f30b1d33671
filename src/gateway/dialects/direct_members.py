"""Leaves out of a request what a direct upstream, which the gateway calls without OpenRouter, refuses."""

from gateway.http.json_members import Buffer, Members

# Fields that only OpenRouter understands, in every wire format. Other upstreams refuse fields that they do
# not know. Source: OpenRouter API reference: chat, Responses, Messages.
OPENROUTERS_FIELDS = frozenset(
    {
        "provider",
        "plugins",
        "route",
        "preset",
        "session_id",
        "trace",
        "debug",
        "stop_server_tools_when",
        "fallbacks",
    }
)


def without_openrouters(
    fields: Members, own: frozenset[str] = OPENROUTERS_FIELDS
) -> dict[str, Buffer] | None:
    """Return a body's members without ``own``, by their names; None if there are none of these."""
    if own.isdisjoint(fields.places):
        return None
    return {name: each for name, each in fields.views().items() if name not in own}
