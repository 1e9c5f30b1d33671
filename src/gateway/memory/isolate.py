"""Memory: all that one isolate remembers between requests."""

from dataclasses import field
from typing import TYPE_CHECKING

from gateway.http.frozen import dataclass
from gateway.memory.answer_lengths import AnswerLengths
from gateway.memory.catalog import CatalogMemory
from gateway.memory.cooldowns import Cooldowns
from gateway.memory.endpoints import MAX_OWN, MAX_OWN_BYTES, EndpointsMemory
from gateway.memory.latencies import Latencies
from gateway.memory.own_keys import OwnKeys
from gateway.memory.prompt_sizes import PromptSizes
from gateway.memory.rates import Rates
from gateway.memory.sessions import Sessions
from gateway.memory.shared_answers import SharedAnswers
from gateway.memory.signatures import Signatures
from gateway.memory.spending import Spending
from gateway.memory.stored_keys import StoredKeys

if TYPE_CHECKING:
    from gateway.coordination.allowance import Allowance


@dataclass(slots=True)
class LostWrites:
    """How many rows this isolate could not write to the ledger."""

    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """All that one isolate remembers between requests.

    It holds plain data only, because requests cannot share asyncio objects. Each isolate has its own memory
    and loses it when the isolate ends. Every request can be answered with an empty memory.

    Attributes:
        cooldowns: which models must not be called for now, and until when.
        latencies: how long models took to commit.
        answer_lengths: how many tokens the answers of each model to each key took.
        prompt_sizes: how many bytes of a body make a token, by the models' author.
        rates: how often each key calls, and how many of its requests are in flight.
        spending: how much each key has spent.
        sessions: which model served each session last.
        signatures: which model made each signed part of an answer.
        shared_answers: the answers that repeats of a request get.
        catalog: the copy of OpenRouter's model list.
        endpoints: the endpoints of the models that were requested last.
        own_endpoints: the same, for callers that fetched them with an OpenRouter key of their own.
        own_keys: what OpenRouter said of such keys.
        lent_rates: how often each lent key calls.
        stored_keys: the keys of the database that were read lately.
        lost_writes: how many rows could not be written to the ledger.
        allowances: what the coordinators have granted to this isolate, by scope.
    """

    cooldowns: Cooldowns = field(default_factory=Cooldowns)
    latencies: Latencies = field(default_factory=Latencies)
    answer_lengths: AnswerLengths = field(default_factory=AnswerLengths)
    prompt_sizes: PromptSizes = field(default_factory=PromptSizes)
    rates: Rates = field(default_factory=Rates)
    spending: Spending = field(default_factory=Spending)
    sessions: Sessions = field(default_factory=Sessions)
    signatures: Signatures = field(default_factory=Signatures)
    shared_answers: SharedAnswers = field(default_factory=SharedAnswers)
    catalog: CatalogMemory = field(default_factory=CatalogMemory)
    endpoints: EndpointsMemory = field(default_factory=EndpointsMemory)
    own_endpoints: EndpointsMemory = field(default_factory=lambda: EndpointsMemory(MAX_OWN, MAX_OWN_BYTES))
    own_keys: OwnKeys = field(default_factory=OwnKeys)
    lent_rates: Rates = field(default_factory=Rates)
    stored_keys: StoredKeys = field(default_factory=StoredKeys)
    lost_writes: LostWrites = field(default_factory=LostWrites)
    allowances: "dict[str, Allowance]" = field(default_factory=dict)
