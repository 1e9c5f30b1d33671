"""One request on its way through the gateway, for the routes that need all of it."""

from gateway.http.frozen import dataclass
from gateway.http.message import HttpRequest
from gateway.http.responses import Frame
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.settings.settings import Settings

OPENROUTERS_PREFIX = "/v1/model/"  # where OpenRouter's SDKs get one model, and find it under `data`


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What arrived, what holds here, the world, and what every response has."""

    request: HttpRequest
    settings: Settings
    ports: Ports
    memory: Memory
    frame: Frame
