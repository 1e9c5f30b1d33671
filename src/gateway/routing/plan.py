"""plan: which models are asked, in which order, within which limits; and which are not, and why not."""

from dataclasses import replace
from itertools import chain as joined
from operator import attrgetter

from gateway.dialects.chat.answer_checks import AnswerTest
from gateway.dialects.chat.fields import MAX_MODELS
from gateway.dialects.chat.request import ChatRequest
from gateway.routing.candidates import candidates_of
from gateway.routing.chain import Candidate, Limits, Plan, Skipped
from gateway.routing.eligibility import Eligibility, SortedCandidates, fault_of_empty_chain
from gateway.routing.order import OrderBy, ordered
from gateway.routing.selection import Selection
from gateway.routing.signals import Signals
from gateway.settings.caller import Caller
from gateway.settings.options import Options, Order
from gateway.settings.settings import Settings
from gateway.settings.task_routes import TaskRoute

NOT_SURE = "By the list of models none of the chain fits this request for sure; those that may were kept."


def plan(
    chat: ChatRequest, selection: Selection, settings: Settings, caller: Caller, signals: Signals
) -> Plan:
    """Return the chain for a request: the models and tasks that it selects, in order, within its limits.

    Raises:
        GatewayError: it names a direct upstream that is not declared.
    """
    options = selection.options
    if not options.fallbacks:
        selection = replace(selection, names=selection.names[:1], routes=selection.routes[:1])
    names, routes = selection.names, selection.routes
    links = [
        [*candidates_of(name, route, chat, settings, signals.catalog)]
        for name, route in zip(names, routes, strict=True)
    ]
    named_first = names[0] if chat.models and routes[0] is None else None
    judge = Eligibility(chat=chat, options=options, caller=caller, signals=signals, named_first=named_first)
    groups, skipped, notes = _left([judge.judge(each) for each in links])
    chain = _in_order(groups, routes, options, signals)
    most = MAX_MODELS if options.fallbacks else 1
    reason = "chain_too_long" if options.fallbacks else "no_fallbacks"
    skipped += tuple(Skipped(model=each.model, reason=reason) for each in chain[most:])
    can_go_on = (
        options.on_midstream != "continue" or chat.is_text_only
    )  # never on from half a tool call or JSON
    return Plan(
        requested=tuple(dict.fromkeys([link.candidate.model for each in links for link in each])),
        chain=chain[:most],
        skipped=skipped,
        order=selection.order,
        by_latency="fastest" in selection.orders,
        notes=notes,
        nothing_left="" if chain else fault_of_empty_chain([each.reason for each in skipped]),
        limits=_limits(options, settings, signals),
        answer_test=AnswerTest(
            json=chat.wants_json and options.check_json, reasoning_only=options.allow_reasoning_only
        ),
        cache_ttl_s=options.cache_ttl_s,
        on_midstream=options.on_midstream if can_go_on else "error",
        list_errors=options.errors == "all",
        openai_usage=chat.openai_usage,
    )


def _left(
    judged: list[SortedCandidates],
) -> tuple[list[list[Candidate]], tuple[Skipped, ...], tuple[str, ...]]:
    """Return what is left of each name, what is skipped, and notes.

    Where nothing fits for sure, what may fit is kept: the list of models is no condition for an answer.
    """
    skipped = tuple(skipped for each in judged for skipped in each.skipped)
    if any(each.fit for each in judged) or not any(each.doubtful for each in judged):
        return [each.fit for each in judged], skipped, ()
    kept = {candidate.model for each in judged for candidate in each.doubtful}
    return (
        [each.doubtful for each in judged],
        tuple(each for each in skipped if each.model not in kept),
        (NOT_SURE,),
    )


def _in_order(
    groups: list[list[Candidate]],
    routes: tuple[TaskRoute | None, ...],
    options: Options,
    signals: Signals,
) -> tuple[Candidate, ...]:
    """Return the chain: ordered as a whole where the request says how, else each route in its own order."""

    def by(how: Order, route: TaskRoute | None) -> OrderBy:
        return OrderBy(
            how=how,
            weights=options.weights if options.weights is not None else route.weights if route else {},
            expected_ms=signals.expected_ms,
            session_model=signals.session_model,
            draw=signals.draw,
        )

    if options.order:
        first_route = next((each for each in routes if each is not None), None)
        chain = ordered([*joined.from_iterable(groups)], by(options.order, first_route))
    else:
        parts = [
            ordered(group, by(route.order, route)) if route else group
            for group, route in zip(groups, routes, strict=True)
        ]
        chain = [*joined.from_iterable(parts)]
    once: dict[str, Candidate] = {}
    for candidate in chain:
        once.setdefault(candidate.model, candidate)
    return tuple(once.values())


# Each limit's option, and the setting that holds where neither the request nor its route sets it.
LIMIT_SETTINGS = ("deadline_ms", "attempt_ms", "first_token_ms", "idle_ms", "retries")
_limits_in = attrgetter(*LIMIT_SETTINGS)


def _limits(options: Options, settings: Settings, signals: Signals) -> Limits:
    asked, set_ = _limits_in(options), _limits_in(settings)
    deadline_ms, attempt_ms, first_token_ms, idle_ms, retries = [
        set_[index] if value is None else value for index, value in enumerate(asked)
    ]
    max_usd, left_usd = options.max_cost_usd, signals.budget_left_usd
    ceilings = [usd for usd in (max_usd, left_usd) if usd is not None]
    is_budgets = left_usd is not None and (max_usd is None or left_usd < max_usd)
    return Limits(
        deadline_s=deadline_ms / 1000,
        attempt_s=attempt_ms / 1000 if attempt_ms else None,
        first_token_s=first_token_ms / 1000,
        idle_s=idle_ms / 1000,
        retries=retries,
        max_attempts=settings.max_attempts,
        guard_events=settings.stream_guard_events,
        hedge_s=options.hedge_ms / 1000 if options.hedge_ms else None,
        keepalive_s=options.keepalive_ms / 1000 if options.keepalive_ms else None,
        max_cost_usd=min(ceilings, default=None),
        over_ceiling="over_budget" if is_budgets else "over_max_cost",
    )
