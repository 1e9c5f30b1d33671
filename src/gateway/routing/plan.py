"""Plans a request: which models are tried, in which order, within which limits, and which are skipped."""

from dataclasses import replace
from itertools import chain as joined
from operator import attrgetter

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.body import MAX_MODELS
from gateway.dialects.dialect import Dialect, streaming_of
from gateway.dialects.model_request import ModelRequest
from gateway.routing.candidates import candidates_of
from gateway.routing.chain import Candidate, Limits, Plan, Skipped
from gateway.routing.eligibility import Eligibility, SortedCandidates, fault_of_empty_chain
from gateway.routing.first_token import UNSEEN, first_token_limit
from gateway.routing.makers import SignedReasoning
from gateway.routing.order import BY_SESSION, OrderBy, maker_first, ordered
from gateway.routing.selection import Selection
from gateway.routing.signals import Signals
from gateway.settings.caller import Caller
from gateway.settings.options import Options, Order
from gateway.settings.patience import PATIENCE
from gateway.settings.settings import Settings
from gateway.settings.task_routes import TaskRoute

NOT_SURE = "By the model list, no model of the chain surely supports this request. Those that may are tried."


NO_CONTINUE = "No other model can continue an answer of this wire format: on_midstream is error."
NO_RESTART = "An answer of this wire format cannot start over within its stream: on_midstream is error."
NOTHING_TO_WATCH = "Answers of this wire format are never streamed: watch has no effect."
CUT_OFF_LAST = "{} comes last: its answer to this session was cut off a short time ago."


def plan(
    request: ModelRequest,
    selection: Selection,
    settings: Settings,
    caller: Caller,
    signals: Signals,
    *,
    dialect: Dialect,
) -> Plan:
    """Return the plan of a request: the chain of the models and tasks that it selects, and its limits.

    Args:
        request: the request.
        selection: the names, task routes and options that apply to it.
        settings: the Worker's settings.
        caller: the caller's key name, and what the key allows.
        signals: the signals that routing uses.
        dialect: the wire format of the request.

    Raises:
        GatewayError: a name that starts with ``direct:`` has no declared upstream, or no model.
    """
    options = selection.options
    limits = _limits(
        options,
        settings,
        hides_reasoning=request.requirements.hides_reasoning,
        may_pay_twice=dialect.may_pay_twice,
    )
    if not options.fallbacks:
        selection = replace(selection, names=selection.names[:1], routes=selection.routes[:1])
    names, routes = selection.names, selection.routes
    infos = [
        [
            *candidates_of(
                name,
                route,
                request,
                settings,
                caller=caller,
                catalog=signals.catalog,
                expected_tokens=signals.expected_tokens,
            )
        ]
        for name, route in zip(names, routes, strict=True)
    ]
    named_first = names[0] if request.models and routes[0] is None else None
    eligibility = Eligibility(
        request=request,
        options=options,
        caller=caller,
        signals=signals,
        named_first=named_first,
        speaks=lambda upstream: dialect.name in settings.direct[upstream].dialects,
    )
    groups, skipped, notes = _eligible([eligibility.sort(each) for each in infos])
    chain = _in_order(groups, selection, signals)
    signed = SignedReasoning(request.signed, signals.maker_of) if request.signed else None
    if signed is not None and "order" not in options.asked:
        chain = maker_first(chain, signed)
    cut_off = signals.cut_off if "order" not in options.asked and len(chain) > 1 else frozenset()
    if cut_off:  # the client asks again: the same model may be cut off again
        chain = tuple(sorted(chain, key=lambda each: each.model in cut_off))
        notes += tuple(CUT_OFF_LAST.format(each.model) for each in chain if each.model in cut_off)
    max_models = MAX_MODELS if options.fallbacks else 1
    reason = "chain_too_long" if options.fallbacks else "no_fallbacks"
    skipped += tuple(Skipped(model=each.model, reason=reason) for each in chain[max_models:])
    watch = not request.stream and _watches(options, settings, limits)
    if watch and not dialect.can_stream:
        watch = False
        notes += (NOTHING_TO_WATCH,) if "watch" in options.asked else ()
    on_midstream = options.on_midstream
    if on_midstream == "continue" and not request.is_text_only:
        on_midstream = "error"  # a cut-off tool call or JSON cannot be continued
    if on_midstream == "continue" and dialect.can_stream and not streaming_of(dialect).can_continue:
        on_midstream = "error"
        notes = (*notes, NO_CONTINUE)
    if on_midstream == "restart" and dialect.can_stream and not streaming_of(dialect).can_restart:
        on_midstream = "error"
        notes = (*notes, NO_RESTART)
    return Plan(
        requested=tuple(dict.fromkeys([info.candidate.model for each in infos for info in each])),
        resolved=selection.resolved,
        route=selection.chosen.to_json() if selection.chosen else None,
        chain=chain[:max_models],
        skipped=skipped,
        order=selection.order,
        by_latency="fastest" in selection.orders,
        session_model=_preferred(chain, selection, signals),
        notes=notes,
        nothing_left=None if chain else fault_of_empty_chain([each.reason for each in skipped]),
        limits=limits,
        answer_test=AnswerTest(
            json=request.wants_json and options.check_json,
            json_root=request.json_root,
            reasoning_only=options.allow_reasoning_only,
            expected=request.expected,
        ),
        cache_ttl_s=options.cache_ttl_s,
        on_midstream=on_midstream,
        shown_model=next(iter(request.models), None) if options.show_model == "requested" else None,
        list_errors=options.errors == "all",
        watch=watch,
        stream=request.stream or watch,
        signed=signed,
        first_token_of=(lambda candidate: first_token_limit(candidate, request, signals, limits.patience))
        if request.stream or watch
        else None,
    )


def _watches(options: Options, settings: Settings, limits: Limits) -> bool:
    """Return whether a plain answer is watched: by the request, or by the setting, or for short patience."""
    if options.watch is not None:
        return options.watch
    return settings.watch_plain or limits.patience.name == "short"


def _eligible(
    groups: list[SortedCandidates],
) -> tuple[list[list[Candidate]], tuple[Skipped, ...], tuple[str, ...]]:
    """Return the candidates to try for each name, the skipped models, and notes.

    If no candidate is eligible, the doubtful ones are tried: the model list alone must not prevent an answer.
    """
    skipped = tuple(skipped for each in groups for skipped in each.skipped)
    if any(each.eligible for each in groups) or not any(each.doubtful for each in groups):
        return [each.eligible for each in groups], skipped, ()
    doubtful = {candidate.model for each in groups for candidate in each.doubtful}
    return (
        [each.doubtful for each in groups],
        tuple(each for each in skipped if each.model not in doubtful),
        (NOT_SURE,),
    )


def _in_order(groups: list[list[Candidate]], selection: Selection, signals: Signals) -> tuple[Candidate, ...]:
    """Return the chain in the request's order; if it sets none, each route's models in the route's order.

    With ``auto`` the session's model comes first, and the others stay in their order.
    """
    options, routes = selection.options, selection.routes

    def order_by(how: Order, route: TaskRoute | None) -> OrderBy:
        return OrderBy(
            how=how,
            weights=options.weights if options.weights is not None else route.weights if route else {},
            expected_ms=signals.expected_ms,
            session_model=signals.session_model,
            draw=signals.draw,
        )

    if options.order and options.order != "auto":
        first_route = next((each for each in routes if each is not None), None)
        chain = ordered([*joined.from_iterable(groups)], order_by(options.order, first_route))
    else:
        parts = [
            ordered(group, order_by(route.order, route)) if route else group
            for group, route in zip(groups, routes, strict=True)
        ]
        chain = [*joined.from_iterable(parts)]
        if selection.order == "auto":
            chain = ordered(chain, order_by("auto", None))
    by_model: dict[str, Candidate] = {}  # a model that occurs twice keeps its first place
    for candidate in chain:
        by_model.setdefault(candidate.model, candidate)
    return tuple(by_model.values())


def _preferred(chain: tuple[Candidate, ...], selection: Selection, signals: Signals) -> str | None:
    """Return the session's model if an order puts it first; else None."""
    first = selection.routes[0]
    orders = {selection.order, first.order if first and not selection.options.order else "given"}
    is_first = bool(chain) and chain[0].model == signals.session_model
    return signals.session_model if is_first and not orders.isdisjoint(BY_SESSION) else None


# The options for limits. Each has a setting of the same name, which applies if neither the request nor its
# task route or key sets the option.
LIMIT_SETTINGS = (
    "patience",
    "deadline_ms",
    "attempt_ms",
    "first_token_ms",
    "idle_ms",
    "max_wait_ms",
    "retries",
)
# Those that the level of patience decides if nobody sets them.
BY_PATIENCE = ("deadline_ms", "attempt_ms", "first_token_ms", "idle_ms")
_limits_in = attrgetter(*LIMIT_SETTINGS)


# How often a stream gets a comment while its answer is held, if the request does not say. Many proxies close
# a connection that is silent for 60 s.
HOLD_KEEPALIVE_MS = 10_000


def _limits(options: Options, settings: Settings, *, hides_reasoning: bool, may_pay_twice: bool) -> Limits:
    holds = options.on_midstream == "hold"
    keepalive_ms = options.keepalive_ms or (HOLD_KEEPALIVE_MS if holds else None)
    from_options, from_settings = _limits_in(options), _limits_in(settings)
    level, deadline_ms, attempt_ms, first_token_ms, idle_ms, max_wait_ms, retries = [
        from_settings[index] if value is None else value for index, value in enumerate(from_options)
    ]
    patience = PATIENCE[level]
    # Reasoning that is withheld leaves a stream as silent as a plain answer, also after its first text.
    idle_s = max(patience.plain_s, patience.idle_s) if hides_reasoning else patience.idle_s
    deadline_s = patience.deadline_s if deadline_ms is None else deadline_ms / 1000
    if "deadline_ms" in options.asked and "max_wait_ms" not in options.asked:
        max_wait_s = deadline_s  # the caller has said how long it waits
    else:
        max_wait_s = max_wait_ms / 1000
    return Limits(
        deadline_s=deadline_s,
        shares_deadline=deadline_ms is not None,
        attempt_s=attempt_ms / 1000 if attempt_ms else None,
        first_token_s=first_token_ms / 1000 if first_token_ms else None,
        idle_s=idle_ms / 1000 if idle_ms else idle_s,
        idle_because="idle_ms" if idle_ms else UNSEEN if hides_reasoning else f"patience: {patience.name}",
        max_wait_s=max_wait_s,
        patience=patience,
        retries=retries,
        retry_first=options.retry_first,
        stop_on=frozenset(options.stop_on),
        max_attempts=settings.max_attempts,
        guard_events=None if holds else settings.stream_guard_events,
        hedge_s=options.hedge_ms / 1000 if options.hedge_ms and may_pay_twice else None,
        keepalive_s=keepalive_ms / 1000 if keepalive_ms else None,
        max_cost_usd=options.max_cost_usd,
        stops_if_billed=not may_pay_twice and not options.retry_billed,
        max_answer_bytes=settings.max_answer_bytes,
    )
