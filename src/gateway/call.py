"""One request on its way through the gateway, for the routes that need all of it."""

from gateway.config import Settings
from gateway.frozen import dataclass
from gateway.ports import Ports
from gateway.respond import Frame
from gateway.wire import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What arrived, what holds here, the world, and what every response has."""

    request: HttpRequest
    settings: Settings
    ports: Ports
    frame: Frame
