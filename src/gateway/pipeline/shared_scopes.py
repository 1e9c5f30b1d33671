"""Decides in which scopes a request is counted for all isolates, and what limits it in each."""

from collections.abc import Iterator

from gateway.coordination.allowance import Allowance
from gateway.http.frozen import dataclass
from gateway.memory.isolate import Memory
from gateway.memory.spending import EVERYBODY
from gateway.pipeline.budget import Account, Room, accounts_of
from gateway.pipeline.session_budget import is_session
from gateway.settings.budget import Span
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings

# How many scopes an isolate remembers what it was granted in. Sessions make many.
MAX_ALLOWANCES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedScope:
    """What limits a request in one scope.

    Attributes:
        name: the name of the scope's coordinator.
        kind: ``key``, ``all_keys`` or ``session``.
        account: the budget; None if there is none.
        per_minute: how many requests a minute may have; None: any number.
        concurrent: how many may be in flight; None: any number.
        allowance: what this isolate may use of the scope.
    """

    name: str
    kind: str
    account: Account | None
    per_minute: int | None = None
    concurrent: int | None = None
    allowance: Allowance

    @property
    def binds(self) -> bool:
        """Whether anything limits the request here. If not, it only carries what isolates tell each other."""
        return self.account is not None or self.per_minute is not None or self.concurrent is not None

    @property
    def limits(self) -> dict[Span, int]:
        """The limits of the budget, by span."""
        return {} if self.account is None else dict(self.account.budget.limits())

    def room(self, ticket: str, *, now_s: float) -> Room | None:
        """Return what is left of the budget for a request; None if there is none, or nothing is known of it.

        What this isolate was granted and does not use counts as left.
        """
        allowance = self.allowance
        if self.account is None or not allowance.spent:
            return None
        own = allowance.held_by(ticket)
        held = max(0, allowance.held - allowance.free(ticket, now_s) - own)
        unspents = {span: limit - allowance.spent.get(span, 0) for span, limit in self.limits.items()}
        span = min(unspents, key=unspents.__getitem__)
        return Room(
            left=unspents[span] - held,
            unspent=unspents[span],
            is_alone=not held,
            key=self.account.key,
            span=span,
            held=held,
        )


def scopes_of(caller: Caller, settings: Settings, memory: Memory) -> tuple[SharedScope, ...]:
    """Return the scopes that are known before the body is read: the caller's key, and all keys together.

    A caller that pays with an OpenRouter key of its own is counted in neither.
    """
    return () if caller.own_key is not None else tuple(_scopes_of(caller, settings, memory))


def _scopes_of(caller: Caller, settings: Settings, memory: Memory) -> Iterator[SharedScope]:
    accounts = {each.key: each for each in accounts_of(caller, settings)}
    name = f"key:{caller.name}"
    yield SharedScope(
        name=name,
        kind="key",
        account=accounts.get(caller.name),
        per_minute=caller.per_minute,
        concurrent=caller.concurrent,
        allowance=_allowance_of(name, memory),
    )
    if (everybody := accounts.get(EVERYBODY)) is not None:
        allowance = _allowance_of(EVERYBODY, memory)
        yield SharedScope(name=EVERYBODY, kind="all_keys", account=everybody, allowance=allowance)


def session_scopes(accounts: tuple[Account, ...], memory: Memory) -> tuple[SharedScope, ...]:
    """Return the scopes of the budgets that are a session's."""
    return tuple(
        SharedScope(name=each.key, kind="session", account=each, allowance=_allowance_of(each.key, memory))
        for each in accounts
        if is_session(each.key)
    )


def _allowance_of(name: str, memory: Memory) -> Allowance:
    """Return what the isolate may use of a scope. One that is idle makes room if there are too many."""
    allowances = memory.allowances
    allowance = allowances.pop(name, None) or Allowance()
    if len(allowances) >= MAX_ALLOWANCES:
        idle = next((each for each, found in allowances.items() if not found.grants), None)
        if idle is not None:
            del allowances[idle]
    allowances[name] = allowance
    return allowance
