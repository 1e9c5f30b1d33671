"""Plans a request: which models are tried, in which order, within which limits, and which are skipped."""

from dataclasses import replace
from itertools import chain as joined

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.body import MAX_MODELS
from gateway.dialects.dialect import Dialect, streaming_of
from gateway.dialects.model_request import ModelRequest
from gateway.routing.candidates import candidates_of
from gateway.routing.chain import Candidate, Limits, Plan, Skipped
from gateway.routing.eligibility import Eligibility, SortedCandidates, fault_of_empty_chain
from gateway.routing.first_token import first_token_limit
from gateway.routing.limits import limits_of
from gateway.routing.makers import SignedReasoning
from gateway.routing.order import BY_SESSION, OrderBy, maker_first, ordered
from gateway.routing.selection import Selection
from gateway.routing.signals import Signals
from gateway.settings.caller import Caller
from gateway.settings.options import Midstream, Options, Order
from gateway.settings.settings import Settings
from gateway.settings.task_routes import TaskRoute

NOT_SURE = "By the model list, no model of the chain surely supports this request. Those that may are tried."
NO_CONTINUE = "No other model can continue an answer of this wire format: on_midstream is error."
NO_RESTART = "An answer of this wire format cannot start over within its stream: on_midstream is error."
NOTHING_TO_WATCH = "Plain answers of this wire format are never read as a stream: watch has no effect."
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
    limits = limits_of(
        options,
        settings,
        hides_reasoning=request.requirements.hides_reasoning,
        writes_text=dialect.writes_text,
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
    if watch and not dialect.can_watch:
        watch = False
        notes += (NOTHING_TO_WATCH,) if "watch" in options.asked else ()
    on_midstream, why = _on_midstream(options.on_midstream, request, dialect)
    notes += why
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


def _on_midstream(
    asked: Midstream, request: ModelRequest, dialect: Dialect
) -> tuple[Midstream, tuple[str, ...]]:
    """Return what happens if a stream is cut off, and why that is not what was asked for."""
    if asked == "continue" and not request.is_text_only:
        return "error", ()  # a cut-off tool call or JSON cannot be continued
    if not dialect.can_stream:
        return asked, ()
    streaming = streaming_of(dialect)
    if asked == "continue" and not streaming.can_continue:
        return "error", (NO_CONTINUE,)
    if asked == "restart" and not streaming.can_restart:
        return "error", (NO_RESTART,)
    return asked, ()


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
