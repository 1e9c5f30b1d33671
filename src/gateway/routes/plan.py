"""``POST /v1/plan``: shows which models a chat request would call now, and why, without calling any.

The chain runs through the same ``Schedule`` as a real request's, and every attempt fails at once. So the plan
shows what a request would do.
"""

from gateway.catalog.prices import listed_price
from gateway.fallback.attempt import Attempt
from gateway.fallback.exhausted import chain_exhausted
from gateway.fallback.receipt import Receipt, open_receipt
from gateway.fallback.schedule import Schedule
from gateway.faults.fault import Fault
from gateway.http.body import HttpResponse
from gateway.http.json_values import JsonObject
from gateway.http.message import OPENROUTER
from gateway.http.responses import respond_json
from gateway.memory.cooldowns import Cooldowns
from gateway.memory.ports import Ports
from gateway.memory.spending import EVERYBODY
from gateway.pipeline.budget import room_in
from gateway.pipeline.call import Call
from gateway.pipeline.decided_by import decided_by
from gateway.pipeline.prepare import prepare, refresh_signals
from gateway.pipeline.prepared import Prepared, for_attempts
from gateway.pipeline.read_request import read_body
from gateway.routes.plan_dialect import dialect_of
from gateway.routing.chain import Limits, Plan, Step
from gateway.routing.selection import loop_limit_of
from gateway.settings.budget import MICROS

# The fault of every simulated attempt. It asks for no pause and no retry, so the chain goes on at once.
FAILED = Fault(code="unavailable")


async def show_plan(call: Call) -> HttpResponse:
    """``POST /v1/plan``: return the plan of a request; the body is that of the request, in any dialect.

    Raises:
        GatewayError: the caller, the body or a setting is at fault, as for the request itself.
    """
    raw = await read_body(call)
    prepared = await prepare(call, dialect_of(call.request, raw), raw)
    refresh_signals(call, prepared)
    call = for_attempts(call, prepared)
    return respond_json(200, _plan_json(call, prepared), call.frame, (("cache-control", "no-store"),))


def _plan_json(call: Call, prepared: Prepared) -> JsonObject:
    planned, signals, tokens = prepared.planned, prepared.signals, prepared.request.requirements.tokens
    receipt = open_receipt(planned, call.frame.request_id, started_at_s=signals.now_s)
    budget_left_usd = _shown_budget_usd(call, prepared)
    # An estimate that fits what is left may be exceeded: then what is left is no ceiling of the cost.
    is_ceiling = call.settings.budget_hold == "worst"
    ceiling_usd = _lower(planned.limits.max_cost_usd, budget_left_usd if is_ceiling else None)
    steps, failure = walk(planned, receipt, call.ports, call.memory.cooldowns)
    return {
        "object": "plan",
        "dialect": prepared.dialect.name,
        "request_id": receipt.request_id,
        "requested": [*planned.requested],
        "resolved": {**planned.resolved},
        "route": planned.route,
        "order": planned.order,
        "sticky": bool(steps) and steps[0].candidate.model == planned.session_model,
        "signed_by": planned.signed_by,
        "chain": [_step_json(step, prepared) for step in steps],
        "skipped": [*receipt.skipped.values()],
        "notes": [*receipt.notes],
        "on_midstream": planned.on_midstream,
        "watch": planned.watch,
        "limits": _limits_json(planned.limits, ceiling_usd) | _session_limits(call, prepared),
        "prompt_tokens": {"least": tokens.least, "likely": tokens.likely, "most": tokens.most},
        "cost_usd": _cost_json(steps, planned.limits, ceiling_usd),
        "decided_by": decided_by(
            prepared.request,
            prepared.selection,
            prepared.caller,
            call.settings,
            budget_left_usd=budget_left_usd,
        ),
        "catalog": _catalog_json(prepared),
        "would_fail_with": None if steps else failure,
    }


def walk(
    planned: Plan, receipt: Receipt, ports: Ports, cooldowns: Cooldowns
) -> tuple[list[Step], JsonObject]:
    """Return the attempts of a chain in which each fails at once, and the error that it ends with."""
    clock_s = ports.now_s()
    schedule = Schedule(planned, receipt, cooldowns.copy(), now_s=lambda: clock_s, draw=ports.draw)
    steps = []
    while (step := schedule.next()) is not None:
        clock_s += step.wait_s
        if schedule.begin(step) is not None:
            steps.append(step)
            attempt = Attempt(model=step.candidate.model, number=step.number)
            attempt.fail(FAILED)
            receipt.attempts.append(attempt)
            schedule.failed(step.candidate, FAILED)
    error = chain_exhausted(receipt, schedule.last_fault, list_all=False, wait_s=schedule.ready_in_s)
    failure: JsonObject = {"code": error.code, "status": error.kind.status, "message": error.message}
    return steps, failure


def _step_json(step: Step, prepared: Prepared) -> JsonObject:
    candidate, signals = step.candidate, prepared.signals
    catalog = signals.catalog if candidate.upstream == OPENROUTER else None
    listed = catalog.find(candidate.asked) if catalog else None
    price = candidate.price or (listed_price(listed) if listed else None)
    expected_ms = signals.expected_ms(candidate)
    return {
        "model": candidate.model,
        "upstream": candidate.upstream,
        "task": candidate.task,
        "wait_ms": round(step.wait_s * 1000),
        "attempt_ms": round(step.limit.s * 1000),
        **step.limit.to_json(),
        "signed_parts_removed": len(candidate.without),
        "expected_ms": None if expected_ms is None else round(expected_ms),
        "estimated_cost_usd": _rounded(candidate.estimated_cost_usd),
        "worst_cost_usd": _rounded(candidate.worst_cost_usd),
        "held_cost_usd": _rounded(candidate.held_cost_usd),
        "usd_per_million_tokens": price.to_json() if price else None,
    }


def _limits_json(limits: Limits, ceiling_usd: float | None) -> JsonObject:
    return {
        "patience": limits.patience.name,
        "deadline_ms": round(limits.deadline_s * 1000),
        "attempt_ms": _ms_or_none(limits.attempt_s),
        "first_token_ms": _ms_or_none(limits.first_token_s),
        "idle_ms": round(limits.idle_s * 1000),
        "max_wait_ms": round(limits.max_wait_s * 1000),
        "retries": limits.retries,
        "retry_first": limits.retry_first,
        "stop_on": [*sorted(limits.stop_on)],
        "max_attempts": limits.max_attempts,
        "hedge_ms": _ms_or_none(limits.hedge_s),
        "max_cost_usd": ceiling_usd,
    }


def _session_limits(call: Call, prepared: Prepared) -> JsonObject:
    options = prepared.selection.options
    return {
        "max_session_usd": options.max_session_usd,
        "loop_limit": loop_limit_of(options, call.settings) or None,
    }


def _cost_json(steps: list[Step], limits: Limits, ceiling_usd: float | None) -> JsonObject:
    """Return the estimated cost of the first model's answer, and the worst cost of the complete chain.

    In the worst case every attempt and every retry is billed in full. The worst cost is null if that of one
    attempt is unknown; it is never above ``max_cost_usd``.
    """
    worst = [step.candidate.worst_cost_usd for step in steps]
    known = [usd for usd in worst if usd is not None]
    worst_usd = sum(known) * (1 + limits.retries) if worst and len(known) == len(worst) else None
    if worst_usd is not None and ceiling_usd is not None:
        worst_usd = min(worst_usd, ceiling_usd)
    estimated_usd = steps[0].candidate.estimated_cost_usd if steps else None
    return {"estimated": _rounded(estimated_usd), "worst": _rounded(worst_usd)}


def _catalog_json(prepared: Prepared) -> JsonObject | None:
    catalog, signals = prepared.signals.catalog, prepared.signals
    if catalog is None:
        return None
    return {
        "models": len(catalog),
        "age_s": round(catalog.age_s(signals.now_s)),
        "fresh": signals.is_fresh,
    }


def _shown_budget_usd(call: Call, prepared: Prepared) -> float | None:
    """Return what is left of the caller's own budget; for an admin also of that of all keys."""
    own = tuple(each for each in prepared.hold.accounts if each.key != EVERYBODY or prepared.caller.admin)
    room = room_in(own, call.memory.spending, now_s=call.ports.now_s())
    return None if room is None else max(0, room.left) / MICROS


def _lower(one_usd: float | None, other_usd: float | None) -> float | None:
    """Return the lower of two ceilings; None is no ceiling."""
    return min((usd for usd in (one_usd, other_usd) if usd is not None), default=None)


def _ms_or_none(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _rounded(usd: float | None) -> float | None:
    return None if usd is None else round(usd, 9)
