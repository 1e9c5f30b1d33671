"""Prepares a request for its first attempt: reads and parses the body, checks the budgets, makes the plan.

The routes of all dialects use it, and the plan route.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from gateway.catalog.refresh import available_catalog, current_catalog, refresh_in_background
from gateway.dialects.dialect import Dialect
from gateway.memory.catalog import Catalog
from gateway.pipeline.budget import (
    Account,
    Room,
    accounts_of,
    check_budgets,
    room_in,
    session_accounts,
    tightest,
    with_amounts,
)
from gateway.pipeline.budget_hold import BudgetHold
from gateway.pipeline.call import Call
from gateway.pipeline.key_limits import limit_request
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.read_request import parse, read_body
from gateway.pipeline.read_spending import read_spending
from gateway.pipeline.session import counted_session, session_of
from gateway.routing.availability import look_up_endpoints, models_to_look_up
from gateway.routing.plan import plan
from gateway.routing.selection import loop_limit_of, select
from gateway.routing.signals import gather_signals
from gateway.settings.budget import MICROS, micros_of
from gateway.settings.options import Options

if TYPE_CHECKING:
    from gateway.pipeline.shared_limits import SharedLimits

PRICES_TIMEOUT_S = 3.0
# Takes a request's body and its options; returns whether it will cost nothing.
IsFree: TypeAlias = Callable[[bytes, Options], bool]
NO_SESSION = "The request names no session, so max_session_usd does not bind it."


def _costs(_: bytes, __: Options) -> bool:
    return False


async def prepare(
    call: Call,
    dialect: Dialect,
    raw: bytes | None = None,
    *,
    is_free: IsFree = _costs,
    shared: "SharedLimits | None" = None,
) -> Prepared:
    """Return the request, parsed and planned.

    Args:
        call: the call.
        dialect: the wire format of the request.
        raw: the body, if it has been read.
        is_free: called with the body and the request's options; returns whether it will cost nothing. Then
            no budget binds it.
        shared: where the request is counted for all isolates; None if each isolate counts for itself.

    Raises:
        GatewayError: the body or a setting is at fault, or a budget is exceeded.
    """
    settings, ports, memory = call.settings, call.ports, call.memory
    started_at_s = ports.now_s()
    caller = call.caller
    if caller.own_key is None:
        settings.require_upstream_key()
    raw = await read_body(call) if raw is None else raw
    request = parse(call, dialect, raw)
    request, notes = limit_request(request, dialect, caller.limits)
    session = session_of(call.request, request, caller)
    named = counted_session(session, caller)
    selection = select(
        request,
        settings,
        caller,
        in_session=named is not None,
        header=call.request.header,
        writes_text=dialect.writes_text,
    )
    if loop_limit := loop_limit_of(selection.options, settings):
        from gateway.pipeline.loop_limit import check_loop  # noqa: PLC0415  # few gateways set the limit

        check_loop(request.fields, dialect, loop_limit, memory.spending, session=named, now_s=started_at_s)
    max_session_usd = selection.options.max_session_usd
    bound = not is_free(raw, selection.options)
    accounts = (*accounts_of(caller, settings), *session_accounts(named, max_session_usd)) if bound else ()
    await read_spending(accounts, ports, memory.spending, max_unsettled=settings.max_unsettled)
    needs_prices = bool(accounts) or selection.needs_prices or request.requirements.max_price is not None
    catalog = await _catalog_for(call, needs_prices=needs_prices)
    if selection.has_foreign_names:
        from gateway.routing.resolved_names import with_resolved_names  # noqa: PLC0415  # few names have no author

        selection = with_resolved_names(selection, catalog)
    if request.expected is not None:
        expected = request.expected.for_models(selection.models, selection.options)
        request = replace(request, expected=expected)
    room = await _room_for(call, accounts, shared) if bound else None
    signals = gather_signals(
        ports,
        memory,
        catalog,
        caller=caller.name,
        ttl_s=settings.catalog_ttl_s,
        session=session.digest if session else None,
        stream=request.stream,
        budget_left_usd=None if room is None else room.left / MICROS,
        budget_unspent_usd=None if room is None else room.unspent / MICROS,
    )
    planned = plan(request, selection, settings, caller, signals, dialect=dialect)
    if room is not None:
        planned = with_amounts(planned, room, memory.spending, is_admin=caller.admin)
    if named is None and max_session_usd is not None:
        notes = (*notes, NO_SESSION)
    if notes:
        planned = replace(planned, notes=(*planned.notes, *notes))
    ticket = ports.new_id()
    hold = BudgetHold(
        accounts=accounts,
        ticket=ticket,
        caller=caller.name,
        session=named,
        is_admin=caller.admin,
        request_id=call.frame.request_id,
        started_at_s=started_at_s,
        unknown_price_usd=settings.unknown_price_usd,
        first_worst_micros=micros_of(
            max((each.worst_cost_usd or 0.0 for each in planned.chain), default=0.0)
        ),
        # What a caller pays itself is none of the gateway's spending, in reservations neither.
        reserves=settings.budget_reservations and ports.database.bound and caller.own_key is None,
        ports=ports,
        spending=memory.spending,
        shared=shared,
    )
    return Prepared(
        caller=caller,
        dialect=dialect,
        request=request,
        headers=dialect.upstream_headers(call.request),
        ticket=ticket,
        hold=hold,
        session=session,
        signals=signals,
        selection=selection,
        planned=planned,
    )


def refresh_signals(call: Call, prepared: Prepared) -> None:
    """Fetch the catalogue and endpoint statistics for later requests in the background, if they are due."""
    settings, ports, memory, catalog = call.settings, call.ports, call.memory, prepared.signals.catalog
    refresh_in_background(catalog, settings.upstream, ports, memory.catalog, ttl_s=settings.catalog_ttl_s)
    models = models_to_look_up(prepared.planned, catalog, memory.endpoints, now_s=ports.now_s())
    if models:
        upstream = settings.upstream_for(prepared.caller)
        ports.run_in_background(lambda: look_up_endpoints(models, upstream, ports, memory.endpoints))


async def _room_for(call: Call, accounts: tuple[Account, ...], shared: "SharedLimits | None") -> Room | None:
    """Return what is left of the budgets, for all isolates if they count together; None if there are none.

    Raises:
        GatewayError: a limit refuses the request.
    """
    caller, spending = call.caller, call.memory.spending
    if shared is not None:
        await shared.admitted(caller, accounts)
    now_s = call.ports.now_s()
    check_budgets(accounts, caller, spending, now_s=now_s)
    room = room_in(accounts, spending, now_s=now_s)
    return room if shared is None else tightest((room, shared.room()))


async def _catalog_for(call: Call, *, needs_prices: bool) -> Catalog | None:
    """Return the catalogue that is available; None if there is none.

    If the request needs prices and there is none, wait up to ``PRICES_TIMEOUT_S`` for a fetch.
    """
    settings, ports = call.settings, call.ports
    catalog = await available_catalog(ports, call.memory.catalog, ttl_s=settings.catalog_ttl_s)
    if catalog is not None or not needs_prices:
        return catalog
    try:
        async with ports.within(PRICES_TIMEOUT_S):
            return await current_catalog(
                settings.upstream, ports, call.memory.catalog, ttl_s=settings.catalog_ttl_s
            )
    except TimeoutError:
        return None
