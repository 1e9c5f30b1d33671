"""Asks a model to continue an answer that was cut off."""

from collections.abc import Mapping, Sequence

from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_members import Buffer
from gateway.http.json_values import Json

# What a model is told that refuses to continue a message of its own.
GO_ON = (
    "Your answer above was cut off. Go on exactly where it stops, even within a word. Repeat nothing of it, "
    "add no introduction, and do not mention this message."
)


def messages_to_go_on(prefill: str, *, takes_prefill: bool) -> list[Json]:
    """Return the messages that follow those of the request, in the form of chat and of Messages.

    Args:
        prefill: the beginning of the answer. It becomes a message of the model's own.
        takes_prefill: whether the model continues such a message; if not, an instruction follows it.
    """
    beginning: Json = {"role": "assistant", "content": prefill}
    return [beginning] if takes_prefill else [beginning, {"role": "user", "content": GO_ON}]


def with_messages(members: Mapping[str, Buffer], added: Sequence[Json]) -> dict[str, Buffer]:
    """Return a body's members with more messages at the end of ``messages``."""
    if not added:
        return {**members}
    more = (part for each in added for part in (b",", to_json_bytes(each)))
    # A request with a prompt in their place is not continued, so the first comma is right.
    return {**members, "messages": b"".join((members["messages"][:-1], *more, b"]"))}
