"""A request that is ready for its first attempt, and the forms of it that some requests need."""

from dataclasses import replace

from gateway.dialects.dialect import Dialect
from gateway.dialects.model_request import ModelRequest
from gateway.http.frozen import dataclass
from gateway.http.message import HeaderPairs
from gateway.memory.latencies import Latencies
from gateway.pipeline.budget_hold import BudgetHold
from gateway.pipeline.call import Call
from gateway.pipeline.cooldown_scopes import cooldowns_of
from gateway.pipeline.session import Session
from gateway.routing.chain import Plan
from gateway.routing.selection import Selection
from gateway.routing.signals import Signals
from gateway.settings.caller import Caller
from gateway.settings.keys import allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request that is ready for its first attempt.

    Attributes:
        caller: the caller's key name, and what the key allows.
        dialect: the wire format of the request and of its answer.
        request: the parsed request.
        headers: the caller's headers that go to OpenRouter.
        ticket: identifies the request in this isolate's counts. The request id does not, because the caller
            may choose it.
        hold: the budgets that apply to it, and what it holds of them.
        session: the session that it belongs to; None if it names none.
        selection: its models, their task routes, and its options.
        signals: the signals that the plan was made with.
        planned: its plan.
    """

    caller: Caller
    dialect: Dialect
    request: ModelRequest
    headers: HeaderPairs
    ticket: str
    hold: BudgetHold
    session: Session | None
    selection: Selection
    signals: Signals
    planned: Plan

    def similar_models(self, name: str) -> tuple[str, ...]:
        """Return listed models whose names are like ``name`` and that the caller may use, best first."""
        catalog, caller = self.signals.catalog, self.caller
        if catalog is None:
            return ()
        from gateway.catalog.similar import similar_ids  # noqa: PLC0415  # few requests name an unknown model

        return similar_ids(name, catalog, lambda model: allows(caller, model))


def for_attempts(call: Call, prepared: Prepared) -> Call:
    """Return the call for a request's attempts: with separate latencies if the caller has its own key.

    Latencies of a caller's own OpenRouter account do not apply to any other caller.
    """
    caller, memory = prepared.caller, call.memory
    cooldowns = cooldowns_of(caller, prepared.request, prepared.planned, memory.cooldowns)
    latencies = memory.latencies if caller.own_key is None else Latencies()
    return replace(call, memory=replace(memory, cooldowns=cooldowns, latencies=latencies))


def guarded_to_its_end(prepared: Prepared) -> Prepared:
    """Return the request, so planned that all of its answer passes through the gateway.

    An answer of bytes is passed on when it is complete.
    """
    planned = prepared.planned
    planned = replace(planned, limits=replace(planned.limits, guard_events=None))
    if prepared.request.wants_bytes:
        planned = replace(planned, on_midstream="hold")
    return replace(prepared, planned=planned)
