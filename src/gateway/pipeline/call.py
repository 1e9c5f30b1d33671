"""Defines ``Call``: a request with its settings, ports and memory, as the routes receive it."""

from gateway.http.frozen import dataclass
from gateway.http.message import HttpRequest
from gateway.http.responses import Frame
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.settings.settings import Settings

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
    """

    request: HttpRequest
    settings: Settings
    ports: Ports
    memory: Memory
    frame: Frame
