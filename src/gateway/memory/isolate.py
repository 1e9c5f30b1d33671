"""All that one isolate remembers between requests, in one bundle."""

from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.memory.catalog import CatalogMemory
from gateway.memory.cooldowns import Cooldowns
from gateway.memory.endpoints import EndpointsMemory
from gateway.memory.latencies import Latencies
from gateway.memory.rates import Rates
from gateway.memory.sessions import Sessions
from gateway.memory.spending import Spending


@dataclass(slots=True)
class LostWrites:
    """How many rows this isolate could not write to the ledger."""

    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one isolate remembers. Plain data only: asyncio objects cannot be shared between requests.

    Every isolate has its own, and loses it when it ends. Nothing here is a condition for an answer.

    Attributes:
        cooldowns: models that asked to be left alone, and until when.
        latencies: how long models took to commit.
        rates: how often each key calls, and how many of its requests are in flight.
        spending: what each key has spent.
        sessions: which model served a session last.
        catalog: the copy of OpenRouter's model list.
        endpoints: the endpoints of the models that were last asked about.
        lost_writes: how many rows could not be written to the ledger.
    """

    cooldowns: Cooldowns = field(default_factory=Cooldowns)
    latencies: Latencies = field(default_factory=Latencies)
    rates: Rates = field(default_factory=Rates)
    spending: Spending = field(default_factory=Spending)
    sessions: Sessions = field(default_factory=Sessions)
    catalog: CatalogMemory = field(default_factory=CatalogMemory)
    endpoints: EndpointsMemory = field(default_factory=EndpointsMemory)
    lost_writes: LostWrites = field(default_factory=LostWrites)
