"""The money that one request holds in the budgets that bind it, from its first attempt until it has ended."""

from gateway.fallback.admission import Admitted, Refused
from gateway.fallback.receipt import Receipt
from gateway.http.frozen import dataclass
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports
from gateway.memory.spending import Spending
from gateway.pipeline.budget import Account, room_in
from gateway.routing.chain import Candidate
from gateway.settings.budget import MICROS, micros_of, period_of

RESERVE_TIMEOUT_S = 1.0
# Not for a request whose row is written already: it has replaced the reservation.
_RESERVE = (
    "INSERT INTO reservations (ticket, key, day, micros, isolate, request_id, at_ms) "
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM requests WHERE ticket = ?1) "
    "ON CONFLICT (ticket) DO UPDATE SET micros = max(micros, excluded.micros)"
)


@dataclass(slots=True, kw_only=True)
class BudgetHold:
    """Admits the attempts of one request, see ``fallback.admission.Admission``, and holds their money.

    What is held is what the attempts so far have cost, or may have cost at most, plus the ceiling of the next
    attempt. It is compared with what is left at that moment, not with what was left when the request was
    planned.

    Attributes:
        caller: the name of the caller's key.
        unknown_price_usd: what is held for an attempt whose cost is unknown. If less is left, one request at
            a time holds all that is left.
        first_micros: the ceiling of the most expensive model of the chain: what the first reservation in the
            ledger is made for, so that most requests need one write.
        reserves: whether reservations are written to the ledger.
    """

    accounts: tuple[Account, ...]
    ticket: str
    caller: str
    request_id: str
    started_at_s: float
    unknown_price_usd: float
    first_micros: int
    reserves: bool
    ports: Ports
    spending: Spending
    _held: int = 0
    _reserved: int = 0

    def admit(self, candidate: Candidate, *, spent_usd: float) -> Admitted | Refused:
        """Hold money for an attempt, if there is enough left now. Does not wait."""
        now_s = self.ports.now_s()
        room = room_in(self.accounts, self.spending, now_s=now_s, ticket=self.ticket)
        worst_usd = candidate.worst_cost_usd
        if room is None:
            return Admitted(worst_usd)
        spent = micros_of(spent_usd)
        ceiling = micros_of(self.unknown_price_usd if worst_usd is None else worst_usd)
        if spent + ceiling > room.left:
            if worst_usd is not None or room.unspent <= spent:
                return Refused("over_budget" if spent + ceiling > room.unspent else "budget_held")
            if not room.is_alone:
                return Refused("budget_held")
            ceiling = room.left - spent
        self._held = spent + ceiling
        for account in self.accounts:
            self.spending.hold(account.key, self.ticket, self._held, now_s=now_s)
        return Admitted(ceiling / MICROS if worst_usd is None else worst_usd)

    async def reserve(self) -> None:
        """Write to the ledger what is held, if that is not there yet. Never raises.

        If the ledger fails, the request goes on: this isolate counts it in memory.
        """
        if not self.reserves or not self.accounts or self._held <= self._reserved:
            return
        micros = max(self._held, self.first_micros if not self._reserved else 0)
        self._reserved = micros
        statement = (
            _RESERVE,
            (
                self.ticket,
                self.caller,
                period_of("day", self.started_at_s),
                micros,
                self.spending.isolate(self.ports.new_id),
                self.request_id,
                round(self.started_at_s * 1000),
            ),
        )
        try:
            await query_database([statement], self.ports, within_s=RESERVE_TIMEOUT_S)
        except (DatabaseError, TimeoutError) as error:
            self.reserves = False  # a ledger that is away must not delay each attempt
            self.ports.log("budget_not_reserved", error=type(error).__name__)

    def settle(self, receipt: Receipt) -> None:
        """Replace what is held by what the request has cost, or may have cost at most."""
        micros = micros_of(receipt.most_usd)
        for account in self.accounts:
            self.spending.settle(account.key, self.ticket, micros, now_s=self.ports.now_s())
