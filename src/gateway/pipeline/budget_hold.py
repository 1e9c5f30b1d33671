"""The money that one request holds in the budgets that bind it, from its first attempt until it has ended."""

from typing import TYPE_CHECKING

from gateway.fallback.admission import Admitted, Refused
from gateway.fallback.receipt import Receipt
from gateway.http.frozen import dataclass
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports
from gateway.memory.session_accounts import account_of
from gateway.memory.spending import Spending
from gateway.pipeline.budget import IN_FLIGHT, Account, Room, fault_in_flight, room_in, tightest
from gateway.routing.chain import Candidate
from gateway.settings.budget import MICROS, micros_of, period_of

if TYPE_CHECKING:
    from gateway.pipeline.shared_limits import SharedLimits

RESERVE_TIMEOUT_S = 1.0
# Not for a request whose row is written already: it has replaced the reservation.
_RESERVE = (
    "INSERT INTO reservations (ticket, key, day, micros, worst_micros, isolate, request_id, at_ms, session) "
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE NOT EXISTS (SELECT 1 FROM requests WHERE ticket = ?1) "
    "ON CONFLICT (ticket) DO UPDATE SET micros = max(micros, excluded.micros), "
    "worst_micros = max(worst_micros, excluded.worst_micros)"
)


@dataclass(slots=True, kw_only=True)
class BudgetHold:
    """Admits the attempts of one request, see ``fallback.admission.Admission``, and holds their money.

    What is held is what the attempts so far have cost, or may have cost at most, plus what the next attempt
    holds: its estimate, or its ceiling with ``BUDGET_HOLD=worst``. It is compared with what is left at that
    moment, not with what was left when the request was planned.

    Attributes:
        caller: the name of the caller's key.
        is_admin: whether the caller may see the amounts of the budget of all keys.
        session: the digest of the request's session; None if it names none.
        unknown_price_usd: what is held for an attempt whose cost is unknown. If less is left, one request at
            a time holds all that is left.
        first_worst_micros: the ceiling of the most expensive model of the chain: the first reservation in the
            ledger counts at this if the isolate is killed, so that most requests need one write.
        reserves: whether reservations are written to the ledger.
        shared: where the request is counted for all isolates; None if each isolate counts for itself.
    """

    accounts: tuple[Account, ...]
    ticket: str
    caller: str
    is_admin: bool
    session: str | None = None
    request_id: str
    started_at_s: float
    unknown_price_usd: float
    first_worst_micros: int
    reserves: bool
    ports: Ports
    spending: Spending
    shared: "SharedLimits | None" = None
    _held: int = 0
    _worst: int = 0
    _reserved: int = 0
    _reserved_worst: int = 0

    def admit(self, candidate: Candidate, *, held_usd: float, most_usd: float) -> Admitted | Refused:
        """Hold money for an attempt, if there is enough left now. Does not wait."""
        now_s = self.ports.now_s()
        own_room = room_in(self.accounts, self.spending, now_s=now_s, ticket=self.ticket)
        room = tightest((own_room, self.shared.room())) if self.shared else own_room
        worst_usd = candidate.worst_cost_usd
        if room is None:
            return Admitted(worst_usd)
        before = micros_of(held_usd)
        ceiling = micros_of(self.unknown_price_usd if worst_usd is None else worst_usd)
        needed = ceiling if candidate.held_cost_usd is None else micros_of(candidate.held_cost_usd)
        if before + needed > room.left:
            if room.unspent <= before or (worst_usd is not None and before + needed > room.unspent):
                return Refused("over_budget")
            if worst_usd is not None or not room.is_alone or room.left <= before:
                return self._refused(room, before + needed)
            ceiling = needed = room.left - before
        self._held, self._worst = before + needed, micros_of(most_usd) + ceiling
        for account in self.accounts:
            self.spending.hold(account.key, self.ticket, self._held, worst_micros=self._worst, now_s=now_s)
        return Admitted(ceiling / MICROS if worst_usd is None else worst_usd)

    def _refused(self, room: Room, needed: int) -> Refused:
        fault = fault_in_flight(room, self.spending, needed=needed, is_admin=self.is_admin)
        return Refused(IN_FLIGHT, fault)

    async def reserve(self) -> Refused | None:
        """Hold the money for all isolates, and write it to the ledger; return why not, if it is refused.

        If the ledger fails, the request goes on: this isolate counts it in memory.

        Raises:
            GatewayError: a coordinator does not answer, and all must.
        """
        if self.shared is not None:
            refused = await self.shared.hold(self._held, is_admin=self.is_admin)
            if refused is not None:
                return refused
        await self._reserve_in_ledger()
        return None

    async def _reserve_in_ledger(self) -> None:
        is_there = self._held <= self._reserved and self._worst <= self._reserved_worst
        if not self.reserves or not self.accounts or is_there:
            return
        self._reserved = max(self._reserved, self._held)
        self._reserved_worst = max(self._reserved_worst, self._worst, self.first_worst_micros)
        statement = (
            _RESERVE,
            (
                self.ticket,
                self.caller,
                period_of("day", self.started_at_s),
                self._reserved,
                self._reserved_worst,
                self.spending.isolate(self.ports.new_id),
                self.request_id,
                round(self.started_at_s * 1000),
                self.session,
            ),
        )
        try:
            await query_database([statement], self.ports, within_s=RESERVE_TIMEOUT_S)
        except (DatabaseError, TimeoutError) as error:
            self.reserves = False  # a ledger that is away must not delay each attempt
            self.ports.log("budget_not_reserved", error=type(error).__name__)

    @property
    def counted(self) -> tuple[str, ...]:
        """The accounts in which the request counts: its budgets, and its session, which may have none."""
        session = (account_of(self.session),) if self.session else ()
        return tuple(dict.fromkeys((*(each.key for each in self.accounts), *session)))

    def settle(self, receipt: Receipt) -> None:
        """Replace what is held by what the request has cost, or may have cost at most."""
        micros = micros_of(receipt.most_usd)
        for key in self.counted:
            self.spending.settle(key, self.ticket, micros, now_s=self.ports.now_s())
        if self.shared is not None:
            self.shared.end(micros)
