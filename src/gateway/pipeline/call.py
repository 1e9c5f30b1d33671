"""Defines ``Call``: a request with its settings, ports and memory, as the routes receive it."""

from dataclasses import field, replace
from typing import Literal, TypeAlias

from gateway.access.admit import admit
from gateway.http.frozen import dataclass
from gateway.http.message import HttpRequest
from gateway.http.responses import Frame
from gateway.memory.endpoints import OwnersEndpoints
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.settings.caller import NOBODY, Caller
from gateway.settings.settings import Settings

BodySetting: TypeAlias = Literal["MAX_BODY_BYTES", "MAX_AUDIO_BYTES"]
OPENROUTERS_PREFIX = "/v1/model/"  # OpenRouter's SDKs get one model here, and read it from `data`


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request and all that is needed to answer it.

    Attributes:
        request: the HTTP request.
        settings: the Worker's settings.
        ports: the ports to the outside.
        memory: what this isolate remembers between requests.
        frame: the headers and the error format that every response to this request has.
        caller: the caller; ``NOBODY`` until the call is admitted.
        body_setting: the setting with the limit of the request's body.
    """

    request: HttpRequest
    settings: Settings
    ports: Ports
    memory: Memory
    frame: Frame
    caller: Caller = field(default_factory=lambda: NOBODY)
    body_setting: BodySetting = "MAX_BODY_BYTES"

    @property
    def max_body_bytes(self) -> int:
        """The largest body that the request may have, in bytes."""
        settings = self.settings
        return settings.max_audio_bytes if self.body_setting == "MAX_AUDIO_BYTES" else settings.max_body_bytes


async def admitted(call: Call, *, for_own_keys: bool, counted_apart: bool = False) -> Call:
    """Return the call with its caller, and with the rate limit's headers for every response from here on.

    Args:
        call: the call.
        for_own_keys: whether the route is for callers with OpenRouter keys of their own, too.
        counted_apart: whether the request counts toward a second limit of the same size.

    Raises:
        GatewayError: the caller may not call this route, or not now.
    """
    found = await admit(
        call.request,
        call.settings,
        call.ports,
        call.memory,
        for_own_keys=for_own_keys,
        counted_apart=counted_apart,
    )
    caller, memory = found.caller, call.memory
    if caller.own_key is not None:
        endpoints = OwnersEndpoints(memory.endpoints, memory.own_endpoints, caller.name)
        memory = replace(memory, endpoints=endpoints)
    frame = replace(
        call.frame,
        rate_headers=found.rate_headers,
        allowed_origin=call.frame.allowed_origin or found.origin,
    )
    return replace(call, caller=caller, frame=frame, memory=memory)
