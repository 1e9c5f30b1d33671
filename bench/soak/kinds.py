"""A kind of request in the soak: its body, the check of its reply, and whether its client leaves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from bench.soak.checks import Check

CHAT = "POST /v1/chat/completions"
WORDS = "It is sunny. "


@dataclass(frozen=True, slots=True)
class Leave:
    """How a client leaves.

    Attributes:
        at: the bytes that it waits for.
        after_s: how long it waits after that, in seconds.
        resets: whether it resets the connection; otherwise it closes it normally.
        unsent_bytes: how many bytes of its request it does not send.
    """

    at: bytes = b""
    after_s: float = 0.0
    resets: bool = True
    unsent_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of request.

    Attributes:
        weight: how many of them a deck has.
        fields: its body; None for a request without one.
        raw: a body that is not JSON.
        check: checks the reply; None if the client does not wait for it.
        is_new: whether each request has a new name: its number replaces ``{}`` in the values.
    """

    name: str
    weight: int = 1
    line: str = CHAT
    fields: Mapping[str, object] | None = None
    raw: bytes | None = None
    key: bool = True
    check: Check | None = None
    leave: Leave | None = None
    is_new: bool = False

    def body(self, number: int) -> bytes:
        """Return the body of the request with this number."""
        if self.raw is not None or self.fields is None:
            return self.raw or b""
        text = json.dumps(self.fields, separators=(",", ":"))
        return (text.replace("{}", str(number)) if self.is_new else text).encode()


def chat(*models: str, stream: bool = False, **more: object) -> dict[str, object]:
    """Return a chat request's fields; ``more`` are options of the gateway, except for ``session_id``."""
    fields: dict[str, object] = {"model": models[0], "messages": [{"role": "user", "content": WORDS * 20}]}
    if models[1:]:
        fields["models"] = list(models[1:])
    if "session_id" in more:
        fields["session_id"] = more.pop("session_id")
    return fields | {"stream": stream} | ({"gateway": more} if more else {})


sse = partial(chat, stream=True)
