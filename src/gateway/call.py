"""One request on its way through the gateway, for the routes that need all of it."""

from gateway.config import Settings
from gateway.frozen import dataclass
from gateway.isolate import Memory
from gateway.ports import Ports
from gateway.responses import Frame
from gateway.wire import HttpRequest

OPENROUTERS_PREFIX = "/v1/model/"  # where OpenRouter's SDKs get one model, and find it under `data`


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What arrived, what holds here, the world, and what every response has."""

    request: HttpRequest
    settings: Settings
    ports: Ports
    memory: Memory
    frame: Frame
