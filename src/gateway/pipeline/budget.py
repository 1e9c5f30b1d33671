"""Budgets: which ones bind a caller, what is left of them, and the errors if that is too little."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.faults.fault import Fault, error_of
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, number_or_none
from gateway.memory.session_accounts import account_of
from gateway.memory.spending import EVERYBODY, Spending
from gateway.pipeline.session_budget import is_of_lent_key, is_session, session_budget_spent
from gateway.routing.chain import Plan
from gateway.routing.eligibility import fault_of_empty_chain
from gateway.settings.budget import (
    MICROS,
    SESSION,
    Budget,
    Span,
    micros_of,
    resets_at,
    shown_time,
    shown_usd,
)
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings

# The skip reason, and the error code, if others hold the money.
IN_FLIGHT = "budget_in_flight"
# What may help then. A lower max_tokens helps only if something is left.
WOULD_HELP = ("retry_after", "fewer_requests_at_once", "lower_max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One budget that binds a request.

    Attributes:
        key: the name of the key whose budget it is; ``EVERYBODY`` for the budget of all keys together. For a
            session, its name in ``memory.session_accounts``.
    """

    key: str
    budget: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of the budgets that bind a request, in micro-dollars. The smallest budget counts.

    Attributes:
        left: what is neither spent nor held for other requests in flight.
        unspent: what is not spent.
        is_alone: whether no other request in flight of this isolate holds anything of these budgets.
        key: whose budget has the least left.
        span: its span.
        held: what other requests in flight hold of it, in all isolates.
    """

    left: int
    unspent: int
    is_alone: bool
    key: str
    span: Span
    held: int


def accounts_of(caller: Caller, settings: Settings) -> tuple[Account, ...]:
    """Return the budgets that bind a caller: its own and that of all keys.

    No budget binds a caller that pays with an OpenRouter key of its own.
    """
    if caller.own_key is not None:
        return ()
    both = ((caller.name, caller.budget), (EVERYBODY, settings.budget))
    return tuple(Account(key=key, budget=budget) for key, budget in both if budget)


def session_accounts(session: str | None, max_usd: float | None) -> tuple[Account, ...]:
    """Return the budget of a session; none if there is no session, or nothing limits it."""
    if session is None or max_usd is None:
        return ()
    return (Account(key=account_of(session), budget=Budget(session_micros=micros_of(max_usd))),)


def room_in(
    accounts: tuple[Account, ...], spending: Spending, *, now_s: float, ticket: str | None = None
) -> Room | None:
    """Return what is left of budgets; None if there are none. What ``ticket`` holds itself counts as left."""
    tightest: Room | None = None
    unspents, is_alone = [], True
    for account in accounts:
        own_held = spending.held(account.key, now_s=now_s, but=ticket)
        is_alone = is_alone and not own_held
        for span, limit in account.budget.limits():
            held = own_held + spending.reserved(account.key, span, now_s=now_s)
            unspent = limit - spending.spent(account.key, span, now_s=now_s)
            unspents.append(unspent)
            if tightest is None or unspent - held < tightest.left:
                tightest = Room(
                    left=unspent - held,
                    unspent=unspent,
                    is_alone=True,
                    key=account.key,
                    span=span,
                    held=held,
                )
    return tightest and replace(tightest, unspent=min(unspents), is_alone=is_alone)


def tightest(rooms: Iterable[Room | None]) -> Room | None:
    """Return the room with the least left, with what is unspent of all budgets; None if there is none."""
    known = [room for room in rooms if room is not None]
    if not known:
        return None
    return replace(
        min(known, key=lambda room: room.left),
        unspent=min(room.unspent for room in known),
        is_alone=all(room.is_alone for room in known),
    )


def fault_in_flight(
    room: Room, spending: Spending, *, needed: int | None = None, is_admin: bool = False
) -> Fault:
    """Return the fault of a request that may not begin because others in flight hold the money.

    The next request reads the ledger's sums again: other isolates' requests may have ended.

    Args:
        room: what is left of the budgets.
        spending: where the isolate counts.
        needed: what the request would hold, in micro-dollars; None if that is not known yet.
        is_admin: whether the caller may see the amounts of the budget of all keys.
    """
    fault = fault_of_empty_chain([IN_FLIGHT])
    spending.doubt(room.key)
    is_common, left = room.key == EVERYBODY, max(0, room.left)
    helps: list[Json] = [*(WOULD_HELP if left else WOULD_HELP[:-1])]
    details: JsonObject = {**_scope(room.key, room.span), "would_help": helps}
    if is_common and not is_admin:
        return replace(fault, details=details)
    amounts: JsonObject = {"held_usd": room.held / MICROS, "left_usd": left / MICROS}
    needs = ""
    if needed is not None:
        amounts["needed_usd"] = needed / MICROS
        needs = f" This request needs {shown_usd(needed)}."
    told = (
        f"Other requests in flight hold {shown_usd(room.held)} of {_whose(room.key, room.span)}, "
        f"and {shown_usd(left)} is left.{needs} Try again in {fault.retry_after_s:.0f} s, "
        f"or send fewer requests at once{', or lower max_tokens' if left else ''}."
    )
    return replace(fault, details={**details, **amounts}, told=told)


def _scope(key: str, span: Span) -> JsonObject:
    """Return whose budget it is, and of which period. The budget of a session has none."""
    if span == SESSION:
        return {"scope": "session"}
    return {"scope": "all_keys" if key == EVERYBODY else "key", "period": span}


def _whose(key: str, span: Span) -> str:
    if is_of_lent_key(key):
        return "the budget of this lent key"
    if span == SESSION:
        return "the budget of this session (max_session_usd)"
    adjective = "daily" if span == "day" else "monthly"
    return f"the {adjective} budget {'of all keys together' if key == EVERYBODY else 'of this key'}"


def with_amounts(planned: Plan, room: Room, spending: Spending, *, is_admin: bool) -> Plan:
    """Return the plan; if its chain is empty because others hold the money, its fault says how much."""
    if planned.nothing_left is None or planned.nothing_left.code != IN_FLIGHT:
        return planned
    needs = [number_or_none(each.details.get("held_cost_usd")) for each in planned.skipped]
    least_usd = min((usd for usd in needs if usd is not None), default=None)
    needed = None if least_usd is None else micros_of(least_usd)
    return replace(planned, nothing_left=fault_in_flight(room, spending, needed=needed, is_admin=is_admin))


def check_budgets(accounts: tuple[Account, ...], caller: Caller, spending: Spending, *, now_s: float) -> None:
    """Raise an error if a budget has nothing left for a request, by what is known now. Does not wait.

    Raises:
        GatewayError: a budget is spent (402), or what is left of it is held by requests in flight (429), or
            the ledger waits for too many costs of this key (503).
    """
    if accounts and caller.name in spending.backlogged:
        raise GatewayError(
            "ledger_backlog",
            "Too many costs of this key are not settled yet. The cron trigger settles them.",
            retry_after_s=60.0,
            retryable=True,
        )
    for account in accounts:
        for span, limit in account.budget.limits():
            spent = spending.spent(account.key, span, now_s=now_s)
            if spent >= limit and is_session(account.key):
                raise session_budget_spent(account.key, limit, spent)
            if spent >= limit:
                raise budget_spent(account, span, spent, now_s=now_s, caller=caller)
    room = room_in(accounts, spending, now_s=now_s)
    if room is not None and room.left <= 0:
        fault = fault_in_flight(room, spending, is_admin=caller.admin)
        raise error_of(fault, metadata=fault.details)


def budget_spent(account: Account, span: Span, spent: int, *, now_s: float, caller: Caller) -> GatewayError:
    """Return the error for a spent budget; only an admin is told the amounts of the budget of all keys."""
    reset = resets_at(span, now_s)
    is_common = account.key == EVERYBODY
    limit = dict(account.budget.limits())[span]
    is_told = caller.admin or not is_common
    amounts: JsonObject = {"limit_usd": limit / MICROS, "spent_usd": spent / MICROS}
    told = f": {shown_usd(spent)} of {shown_usd(limit)}" if is_told else ""
    return GatewayError(
        "budget_spent",
        f"{_whose(account.key, span).capitalize()} is spent{told}. It resets at {shown_time(reset)}.",
        retry_after_s=max(0.0, reset.timestamp() - now_s),
        retryable=True,
        metadata={
            **_scope(account.key, span),
            **(amounts if is_told else {}),
            "resets_at": shown_time(reset),
        },
    )
