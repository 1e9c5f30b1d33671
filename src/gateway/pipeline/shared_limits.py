"""Counts one request for all isolates: asks the coordinators before its first call, and settles afterwards.

A request that is bound by several scopes asks all of them at the same time. What an isolate was granted in
advance is used without a call.
"""

import asyncio
from collections.abc import Callable
from dataclasses import field
from typing import TypeAlias

from gateway.coordination.messages import Granted, Refused
from gateway.fallback.admission import Refused as AttemptRefused
from gateway.http.frozen import dataclass
from gateway.memory.ports import Ports
from gateway.memory.waiting import gather_results, start_task
from gateway.pipeline.budget import Account, Room, tightest
from gateway.pipeline.call import Call
from gateway.pipeline.shared_client import CoordinatorClient
from gateway.pipeline.shared_errors import not_bound, refusal_of, too_little_left, unavailable
from gateway.pipeline.shared_scopes import SharedScope, scopes_of, session_scopes
from gateway.settings.caller import Caller

# What a coordinator has answered; None if it has not.
Outcome: TypeAlias = Granted | Refused | None


@dataclass(slots=True, kw_only=True)
class SharedLimits:
    """The part of one request that is counted for all isolates.

    Attributes:
        ticket: identifies the request in this isolate.
        client: sends its messages.
        is_open: whether a coordinator has not answered, and the request goes on without it.
        on_open: called when that happens.
        scopes: where it is counted.
    """

    call: Call
    ticket: str
    client: CoordinatorClient
    is_open: bool = False
    on_open: Callable[[], None] | None = None
    scopes: tuple[SharedScope, ...]
    _begun: "asyncio.Task[list[Outcome]] | None" = None
    _asked: tuple[SharedScope, ...] = ()
    _has_ended: bool = False
    _open: set[str] = field(default_factory=set)

    @property
    def _ports(self) -> Ports:
        return self.call.ports

    def begin(self) -> None:
        """Begin the request by what was leased; ask the coordinators of the other scopes. Does not wait."""
        self._asked = self._begin_in(self.scopes)
        if self._asked:
            self._begun = start_task(self._ask_all(self._asked))
        for scope in self.scopes:
            if not scope.binds and scope.allowance.listened_until_s <= self._ports.now_s():
                self._listen_to(scope)

    def _begin_in(self, scopes: tuple[SharedScope, ...]) -> tuple[SharedScope, ...]:
        """Begin the request in the scopes of which something was leased; return those that must be asked."""
        now_s = self._ports.now_s()
        return tuple(
            scope
            for scope in scopes
            if scope.binds
            and (
                scope.concurrent is not None
                or not scope.allowance.begin(
                    self.ticket,
                    needs_money=scope.account is not None,
                    needs_count=scope.per_minute is not None,
                    now_s=now_s,
                )
            )
        )

    async def admitted(self, caller: Caller, accounts: tuple[Account, ...]) -> None:
        """Wait until the coordinators have answered; ask that of the request's session.

        Raises:
            GatewayError: a limit refuses the request, or a coordinator does not answer and all must.
        """
        sessions = session_scopes(accounts, self.call.memory)
        self.scopes = (*self.scopes, *sessions)
        asked = self._begin_in(sessions)
        outcomes = await self._ask_all(asked)
        if self._begun is not None:
            asked, outcomes = (*self._asked, *asked), [*await self._begun, *outcomes]
        now_s = self._ports.now_s()
        for scope, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Refused):
                raise refusal_of(scope, outcome, caller, self.call.memory.spending, self.ticket, now_s=now_s)
            if outcome is None:
                self._go_on_without(scope)

    def room(self) -> Room | None:
        """Return what is left of the budgets; None if there are none, or nothing is known of them."""
        now_s = self._ports.now_s()
        return tightest(
            scope.room(self.ticket, now_s=now_s) for scope in self.scopes if scope.name not in self._open
        )

    async def hold(self, micros: int, *, is_admin: bool) -> AttemptRefused | None:
        """Hold an amount in all for the request; return why not, if a budget has no room for it.

        Raises:
            GatewayError: a coordinator does not answer, and all must.
        """
        for scope in self.scopes:
            if self.client.has_news(scope):  # other isolates should not have to find it out
                self._listen_to(scope)
        budgets = [each for each in self.scopes if each.account is not None and each.name not in self._open]
        now_s = self._ports.now_s()
        missing = [(scope, scope.allowance.take(self.ticket, micros, now_s)) for scope in budgets]
        short = [(scope, amount) for scope, amount in missing if amount]
        if not short:
            return None
        outcomes = await gather_results(
            self.client.ask(scope, self.ticket, micros=amount, hold=micros) for scope, amount in short
        )
        for (scope, _), outcome in zip(short, outcomes, strict=True):
            if isinstance(outcome, Refused):
                room = scope.room(self.ticket, now_s=self._ports.now_s())
                return too_little_left(outcome, room, micros, self.call.memory.spending, is_admin=is_admin)
            if outcome is None:
                self._go_on_without(scope)
        return None

    def end(self, micros: int) -> None:
        """Count what the request has cost, and tell the coordinators in the background. Once."""
        if self._has_ended:
            return
        self._has_ended = True
        now_s = self._ports.now_s()
        for scope in self.scopes:
            scope.allowance.end(self.ticket, micros if scope.account is not None else 0)
            if scope.account is not None and not micros:
                # It may have been refused by sums that are out of date: the next request asks.
                scope.allowance.end_leases(now_s, give_back=True)
        self._ports.run_in_background(self._settle)

    def _listen_to(self, scope: SharedScope) -> None:
        self._ports.run_in_background(lambda: self.client.listen(scope))

    def _go_on_without(self, scope: SharedScope) -> None:
        """Count alone in a scope whose coordinator does not answer.

        Raises:
            GatewayError: the settings say that all must answer.
        """
        if self.client.is_strict:
            raise unavailable()
        self.is_open = True
        if self.on_open is not None:
            self.on_open()
        self._open.add(scope.name)

    async def _ask_all(self, scopes: tuple[SharedScope, ...]) -> list[Outcome]:
        if self._has_ended:  # before the task has begun
            return [None for _ in scopes]
        return await gather_results(
            self.client.ask(scope, self.ticket, micros=scope.allowance.usual) for scope in scopes
        )

    async def _settle(self) -> None:
        """Tell the coordinators what became of the request. Never raises."""
        if self._begun is not None and not self._begun.done():
            await asyncio.wait({self._begun})
            for scope in self._asked:
                scope.allowance.end(self.ticket, 0)  # one that was asked for after the end
        await gather_results(self.client.settle(scope) for scope in self.scopes)


def shared_limits_of(call: Call) -> SharedLimits | None:
    """Return the part of a request that is counted for all isolates; None if there are no coordinators.

    Raises:
        GatewayError: there are none, and the settings demand them.
    """
    settings, ports, memory = call.settings, call.ports, call.memory
    is_strict = settings.coordination == "strict"
    if not ports.coordinator.bound:
        if is_strict:
            raise not_bound()
        return None
    client = CoordinatorClient(
        ports=ports,
        cooldowns=memory.cooldowns,
        within_s=settings.coordination_ms / 1000,
        is_strict=is_strict,
    )
    shared = SharedLimits(
        call=call, ticket=ports.new_id(), client=client, scopes=scopes_of(call.caller, settings, memory)
    )
    shared.begin()
    return shared
