import json
from collections.abc import Callable

import pytest

from gateway.dialects.chat.dialect import CHAT
from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject
from gateway.routing.chain import Plan
from gateway.routing.plan import CUT_OFF_LAST, NOT_SURE, plan
from gateway.routing.selection import select
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings
from tests.support.planning import chain_of, listed, parsed, planned, reasons_in, signals_of

CHAIN = {"DEFAULT_MODEL": "d", "FALLBACK_MODELS": "e f"}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
NO_TOOLS: JsonObject = {"supported_parameters": ["max_tokens"]}


def code_of(found: Plan) -> str | None:
    return found.nothing_left.code if found.nothing_left else None


def test_the_models_in_a_request_are_its_chain() -> None:
    assert chain_of(planned(CHAIN, model="a", models=["b", "c"])) == ["a", "b", "c"]


def test_a_request_without_models_gets_the_default_chain() -> None:
    assert chain_of(planned(CHAIN)) == ["d", "e", "f"]


@pytest.mark.parametrize("fields", [{}, {"model": "a", "models": ["b"]}], ids=repr)
def test_without_fallbacks_the_chain_is_the_first_model(fields: dict[str, object]) -> None:
    assert len(planned(CHAIN, None, None, **fields, gateway={"fallbacks": False}).chain) == 1


def test_without_fallbacks_an_ineligible_model_is_not_replaced() -> None:
    found = planned(
        signals=signals_of(listed("a/one", **NO_TOOLS), listed("b/two")),
        models=["a/one", "b/two"],
        tools=TOOLS,
        gateway={"fallbacks": False},
    )

    assert found.chain == ()


TIMES = [
    ("deadline_s", "DEADLINE_MS", "deadline_ms"),
    ("attempt_s", "ATTEMPT_MS", "attempt_ms"),
    ("first_token_s", "FIRST_TOKEN_MS", "first_token_ms"),
    ("idle_s", "IDLE_MS", "idle_ms"),
]


@pytest.mark.parametrize(("limit", "setting", "option"), TIMES)
def test_a_time_limit_comes_from_the_setting(limit: str, setting: str, option: str) -> None:
    assert option
    assert getattr(planned({setting: "1500"}).limits, limit) == 1.5


@pytest.mark.parametrize(("limit", "setting", "option"), TIMES)
def test_a_time_limit_in_the_request_overrides_the_setting(limit: str, setting: str, option: str) -> None:
    assert getattr(planned({setting: "1500"}, gateway={option: 2500}).limits, limit) == 2.5


def test_an_attempt_has_no_time_limit_by_default() -> None:
    assert planned().limits.attempt_s is None


def test_a_request_may_set_retries_to_zero() -> None:
    assert planned({"RETRIES": "3"}, gateway={"retries": 0}).limits.retries == 0


def test_a_task_is_replaced_by_its_models_in_place() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["b/two", "c/three"]}'}

    assert chain_of(planned(env, models=["a/one", "task/mine", "d/four"])) == [
        "a/one",
        "b/two",
        "c/three",
        "d/four",
    ]


def test_a_model_that_is_named_twice_keeps_its_first_place() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["b/two", "a/one"]}'}

    assert chain_of(planned(env, models=["a/one", "task/mine"])) == ["a/one", "b/two"]


def test_the_default_model_may_be_a_task() -> None:
    env = {"DEFAULT_MODEL": "task/mine", "TASK_ROUTES": '{"task/mine": ["b/two"]}'}

    assert chain_of(planned(env)) == ["b/two"]


@pytest.mark.parametrize(
    ("field", "make_plan"),
    [
        ("model", lambda: planned(model="task/typo")),
        ("models", lambda: planned(models=["task/typo"])),
        ("models", lambda: planned(model="a/one", models=["b/two", "task/typo"])),
    ],
    ids=["model", "models", "models after model"],
)
def test_an_unknown_task_is_a_client_error(field: str, make_plan: Callable[[], Plan]) -> None:
    with pytest.raises(GatewayError, match="task/code") as raised:
        make_plan()

    assert (raised.value.code, raised.value.param) == ("unknown_task", field)
    assert "typo" not in raised.value.message


@pytest.mark.parametrize(
    ("allowed", "listed"),
    [
        (("task/code",), "task/code."),
        (("task/co*", "a/one"), "task/code."),
        (("a/one",), "none."),
        ((), "none."),
    ],
    ids=repr,
)
def test_of_the_tasks_a_caller_is_told_those_that_its_key_may_use(
    allowed: tuple[str, ...], listed: str
) -> None:
    with pytest.raises(GatewayError) as raised:
        planned(None, None, allowed, model="task/typo")

    assert raised.value.message.endswith(f" are: {listed}")


def test_a_tasks_time_limits_apply_unless_the_request_sets_them() -> None:
    options = '{"models": ["b/two"], "options": {"deadline_ms": 5000, "idle_ms": 700}}'
    env = {"DEADLINE_MS": "1000", "TASK_ROUTES": f'{{"task/mine": {options}}}'}

    limits = planned(env, model="task/mine", gateway={"idle_ms": 900}).limits

    assert (limits.deadline_s, limits.idle_s) == (5.0, 0.9)


def test_a_model_that_cannot_serve_the_request_is_skipped_with_a_reason() -> None:
    found = planned(
        signals=signals_of(listed("a/one"), listed("b/two", **NO_TOOLS), listed("c/three")),
        models=["a/one", "b/two", "c/three"],
        tools=TOOLS,
    )

    assert chain_of(found) == ["a/one", "c/three"]
    assert reasons_in(found) == {"b/two": "no_tools"}
    assert found.requested == ("a/one", "b/two", "c/three")


def test_the_first_named_model_is_skipped_if_a_call_could_only_fail() -> None:
    found = planned(
        signals=signals_of(listed("a/one", **NO_TOOLS), listed("b/two")),
        models=["a/one", "b/two"],
        tools=TOOLS,
    )

    assert chain_of(found) == ["b/two"]


EXPIRED: JsonObject = {"expiration_date": "2020-01-01"}


def test_the_first_named_model_is_tried_if_a_call_might_succeed() -> None:
    found = planned(
        signals=signals_of(listed("a/one", **EXPIRED), listed("b/two", **EXPIRED), listed("c/three")),
        models=["a/one", "b/two", "c/three"],
    )

    assert chain_of(found) == ["a/one", "c/three"]
    assert reasons_in(found) == {"b/two": "expired"}


def test_the_first_model_of_a_task_does_not_count_as_named_first() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["a/one", "b/two"]}'}

    found = planned(env, signals_of(listed("a/one", **EXPIRED), listed("b/two")), model="task/mine")

    assert chain_of(found) == ["b/two"]


def test_doubtful_models_are_tried_if_no_model_is_eligible() -> None:
    env = {"DEFAULT_MODEL": "a/one", "FALLBACK_MODELS": "b/two,c/three"}
    models = signals_of(listed("a/one", **EXPIRED), listed("b/two", **NO_TOOLS), listed("c/three", **EXPIRED))

    found = planned(env, models, tools=TOOLS)

    assert chain_of(found) == ["a/one", "c/three"]
    assert reasons_in(found) == {"b/two": "no_tools"}
    assert found.notes == (NOT_SURE,)


def test_a_stale_catalogue_blocks_no_request() -> None:
    models = [listed("a/one", **NO_TOOLS), listed("b/two", **NO_TOOLS)]

    fresh = planned(signals=signals_of(*models), models=["a/one", "b/two"], tools=TOOLS)
    stale = planned(signals=signals_of(*models, is_fresh=False), models=["a/one", "b/two"], tools=TOOLS)

    assert (fresh.chain, code_of(fresh)) == ((), "no_model_fits")
    assert chain_of(stale) == ["a/one"]


def test_without_a_catalogue_all_models_are_tried() -> None:
    assert chain_of(planned(models=["a/one", "b/two"], tools=TOOLS)) == ["a/one", "b/two"]


def test_an_unlisted_model_is_tried() -> None:
    found = planned(signals=signals_of(listed("a/one")), models=["a/one", "@preset/mine", "b/two"])

    assert chain_of(found) == ["a/one", "@preset/mine", "b/two"]


def test_a_default_routes_model_that_has_left_the_catalogue_is_skipped() -> None:
    found = planned(signals=signals_of(listed("~openai/gpt-latest")), model="task/code")

    assert chain_of(found) == ["~openai/gpt-latest"]
    assert set(reasons_in(found).values()) == {"not_listed"}


def test_a_default_route_without_any_listed_model_is_tried() -> None:
    assert len(planned(signals=signals_of(listed("a/one")), model="task/code").chain) == 3


def test_an_operators_own_route_may_name_unlisted_models() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["@preset/mine", "a/one"]}'}

    assert chain_of(planned(env, signals_of(listed("a/one")), model="task/mine")) == ["@preset/mine", "a/one"]


@pytest.mark.parametrize(
    ("allowed", "chain"),
    [
        (("a/one",), ["a/one"]),
        (("a/*",), ["a/one"]),
        (("*",), ["a/one", "b/two"]),
        (("b/two", "c/three"), ["b/two"]),
    ],
    ids=repr,
)
def test_a_key_may_only_use_its_allowed_models(allowed: tuple[str, ...], chain: list[str]) -> None:
    found = planned(allowed=allowed, models=["a/one", "b/two"])

    assert chain_of(found) == chain
    assert set(reasons_in(found).values()) <= {"not_allowed"}


def test_a_key_may_be_allowed_a_task_but_not_its_models() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["a/one"]}'}

    assert chain_of(planned(env, allowed=("task/mine",), model="task/mine")) == ["a/one"]
    assert code_of(planned(env, allowed=("task/mine",), model="a/one")) == "model_not_allowed"


def test_a_model_that_alone_could_exceed_the_ceiling_is_skipped() -> None:
    expensive = listed("b/two", pricing={"prompt": "0.1", "completion": "0.1"})

    found = planned(
        signals=signals_of(listed("a/one"), expensive),
        models=["a/one", "b/two"],
        max_tokens=100,
        gateway={"max_cost_usd": 0.5},
    )

    assert chain_of(found) == ["a/one"]
    (skipped,) = found.skipped
    assert skipped.reason == "over_max_cost"
    assert found.limits.max_cost_usd == 0.5


def test_a_model_above_the_callers_max_price_is_skipped() -> None:
    found = planned(
        signals=signals_of(
            listed("a/one"), listed("b/two", pricing={"prompt": "0.000009", "completion": "0"})
        ),
        models=["a/one", "b/two"],
        provider={"max_price": {"prompt": "5"}},
    )

    assert reasons_in(found) == {"b/two": "over_max_price"}


def test_a_routes_max_price_applies_to_its_own_models_only() -> None:
    route = '{"models": ["a/one", "b/two"], "max_price": {"completion": 1.5}}'
    cheap = listed("b/two", pricing={"prompt": "0", "completion": "0.000001"})
    env = {"TASK_ROUTES": f'{{"task/mine": {route}}}'}

    found = planned(
        env, signals_of(listed("a/one"), cheap, listed("c/three")), models=["c/three", "task/mine"]
    )

    assert chain_of(found) == ["c/three", "b/two"]
    assert reasons_in(found) == {"a/one": "over_max_price"}


def test_a_routes_required_parameters_apply_to_its_models() -> None:
    env = {"TASK_ROUTES": '{"task/mine": {"models": ["a/one", "b/two"], "require": ["seed"]}}'}
    seeded = listed("b/two", supported_parameters=["seed"])

    found = planned(env, signals_of(listed("a/one"), seeded), model="task/mine")

    assert reasons_in(found) == {"a/one": "route_requires_more"}


def test_models_beyond_the_maximum_chain_length_are_skipped() -> None:
    routes = ", ".join(
        f'"task/r{number}": [{", ".join(f"""{chr(34)}m/{number}-{each}{chr(34)}""" for each in range(20))}]'
        for number in range(3)
    )

    found = planned({"TASK_ROUTES": f"{{{routes}}}"}, models=["task/r0", "task/r1", "task/r2"])

    assert len(found.chain) == 50
    assert set(reasons_in(found).values()) == {"chain_too_long"}
    assert len(found.skipped) == 10


DOUBTFUL: dict[str, JsonObject] = {
    "expired": EXPIRED,
    "no JSON": {"supported_parameters": ["max_tokens"]},
    "too long": {"context_length": 10},
}
AS_JSON = {"response_format": {"type": "json_schema"}}


@pytest.mark.parametrize("doubt", [*DOUBTFUL.values()], ids=[*DOUBTFUL])
@pytest.mark.parametrize(
    ("pricing", "options"),
    [
        ({"prompt": "-1", "completion": "-1"}, {"max_cost_usd": 1, "strict": True}),
        ({"prompt": "0.1", "completion": "0.1"}, {"max_cost_usd": 0.01}),
    ],
    ids=["unknown", "expensive"],
)
@pytest.mark.parametrize("named", [True, False])
def test_a_doubtful_model_is_still_bound_by_the_ceiling(
    doubt: JsonObject, pricing: JsonObject, options: dict[str, object], named: bool
) -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["a/one"]}'}
    model = listed("a/one", pricing=pricing, **doubt)

    found = planned(
        env,
        signals_of(model),
        None,
        model="a/one" if named else "task/mine",
        max_tokens=100,
        gateway=options,
        **AS_JSON,
    )

    assert found.chain == ()
    assert code_of(found) == "over_max_cost"


def test_a_default_route_of_unlisted_models_obeys_a_strict_ceiling() -> None:
    options = {"max_cost_usd": 1, "strict": True}

    assert planned(signals=signals_of(listed("a/one")), model="task/bulk", gateway=options).chain == ()


DIRECT = {
    "UPSTREAMS": '{"near": {"base_url": "https://near.example/v1", "usd_per_million_tokens": '
    '{"expensive": {"prompt": 100, "completion": 500}}}}'
}


@pytest.mark.parametrize(
    ("model", "reason"), [("direct:near/expensive", "over_max_price"), ("direct:near/other", "price_unknown")]
)
@pytest.mark.parametrize("by_route", [True, False])
def test_a_max_price_applies_to_direct_upstreams(model: str, reason: str, by_route: bool) -> None:
    route = {"models": [model], "max_price": {"prompt": 1, "completion": 2}}
    env = {**DIRECT, "TASK_ROUTES": json.dumps({"task/mine": route})}
    fields = (
        {"model": "task/mine"} if by_route else {"model": model, "provider": {"max_price": {"prompt": 1}}}
    )

    found = planned(env, None, None, **fields)

    assert reasons_in(found) == {model: reason}
    assert code_of(found) in ("over_max_price", "over_max_cost")


def test_a_worst_cost_equal_to_the_ceiling_is_allowed() -> None:
    worst_usd = (
        planned(signals=signals_of(listed("a/one")), model="a/one", max_tokens=10).chain[0].worst_cost_usd
    )
    assert worst_usd is not None

    at = planned(
        signals=signals_of(listed("a/one")), model="a/one", max_tokens=10, gateway={"max_cost_usd": worst_usd}
    )

    assert chain_of(at) == ["a/one"]


def test_the_lower_ceiling_of_a_key_and_a_route_applies() -> None:
    route = {"models": ["a/one"], "options": {"max_cost_usd": 5}}
    settings = Settings.from_env({"TASK_ROUTES": json.dumps({"task/rich": route})}.get)
    caller = Caller(name="poor", options={"max_cost_usd": 0.001})

    chat = parsed(model="task/rich")
    selection = select(chat, settings, caller)
    found = plan(chat, selection, settings, caller, signals_of(), dialect=CHAT)

    assert found.limits.max_cost_usd == 0.001


def test_without_fallbacks_the_other_models_of_a_task_are_listed_as_skipped() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["a/one", "b/two"]}'}

    found = planned(env, model="task/mine", gateway={"fallbacks": False})

    assert chain_of(found) == ["a/one"]
    assert reasons_in(found) == {"b/two": "no_fallbacks"}


PRICES = [
    listed("a/expensive", pricing={"prompt": "0.00001", "completion": "0.00001"}),
    listed("b/cheap", pricing={"prompt": "0", "completion": "0.0000001"}),
    listed("c/router", pricing={"prompt": "-1", "completion": "-1"}),
    listed("d/middling"),
]
NAMES = ["a/expensive", "b/cheap", "c/router", "d/middling"]


def test_cheapest_puts_the_cheapest_first_and_unknown_prices_last() -> None:
    found = planned(signals=signals_of(*PRICES), models=NAMES, gateway={"order": "cheapest"})

    assert chain_of(found) == ["b/cheap", "d/middling", "a/expensive", "c/router"]


def test_fastest_puts_the_fastest_first_and_unknown_latencies_last() -> None:
    times_ms = {"c/router": 100.0, "a/expensive": 900.0, "d/middling": 300.0}

    found = planned(signals=signals_of(expected_ms=times_ms), models=NAMES, gateway={"order": "fastest"})

    assert chain_of(found) == ["c/router", "d/middling", "a/expensive", "b/cheap"]


def test_sticky_begins_with_the_model_that_served_the_session() -> None:
    found = planned(signals=signals_of(session_model="c/router"), models=NAMES, gateway={"order": "sticky"})

    assert chain_of(found) == ["c/router", "a/expensive", "b/cheap", "d/middling"]


def test_a_model_that_was_cut_off_in_the_session_comes_last() -> None:
    signals = signals_of(*PRICES, session_model=NAMES[0], cut_off=frozenset({NAMES[0]}))

    found = planned(signals=signals, models=NAMES)

    assert chain_of(found) == [*NAMES[1:], NAMES[0]]
    assert found.notes == (CUT_OFF_LAST.format(NAMES[0]),)
    assert found.session_model is None


@pytest.mark.parametrize("order", ["given", "cheapest", "fastest", "sticky", "auto"])
def test_an_order_of_the_request_stays_although_a_model_was_cut_off(order: str) -> None:
    expected = chain_of(planned(signals=signals_of(*PRICES), models=NAMES, gateway={"order": order}))
    signals = signals_of(*PRICES, cut_off=frozenset({expected[0]}))

    found = planned(signals=signals, models=NAMES, gateway={"order": order})

    assert (chain_of(found), found.notes) == (expected, ())


def test_the_only_model_is_called_although_it_was_cut_off() -> None:
    found = planned(signals=signals_of(cut_off=frozenset({"a/one"})), models=["a/one"])

    assert (chain_of(found), found.notes) == (["a/one"], ())


def test_weighted_draws_by_weight_and_puts_weight_zero_last() -> None:
    draws = iter([0.5, 0.5, 0.5, 0.5])
    weights = {"a/expensive": 0, "b/cheap": 1, "c/router": 10, "d/middling": 5}

    found = planned(
        signals=signals_of(draw=lambda: next(draws)),
        models=NAMES,
        gateway={"order": "weighted", "weights": weights},
    )

    assert chain_of(found) == ["c/router", "d/middling", "b/cheap", "a/expensive"]


@pytest.mark.parametrize("options", [{}, {"order": "cheapest"}, {"order": "given"}])
def test_weights_without_the_order_weighted_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(GatewayError) as raised:
        planned(models=NAMES, gateway={"weights": {"a/expensive": 1}, **options})

    assert (raised.value.code, raised.value.param) == ("invalid_field", "gateway.weights")


def test_a_requests_weights_override_those_of_a_weighted_route() -> None:
    route = '{"models": ["a/expensive", "b/cheap"], "order": "weighted", "weights": {"b/cheap": 0}}'
    env = {"TASK_ROUTES": f'{{"task/mine": {route}}}'}

    assert chain_of(planned(env, model="task/mine")) == ["a/expensive", "b/cheap"]
    assert chain_of(planned(env, model="task/mine", gateway={"weights": {"a/expensive": 0}}))[0] == "b/cheap"


def test_a_routes_order_applies_to_its_own_models_only() -> None:
    env = {"TASK_ROUTES": '{"task/mine": {"models": ["a/expensive", "b/cheap"], "order": "cheapest"}}'}

    found = planned(env, signals_of(*PRICES), models=["d/middling", "task/mine"])

    assert chain_of(found) == ["d/middling", "b/cheap", "a/expensive"]
    assert found.order == "given"
    assert planned(env, signals_of(*PRICES), model="task/mine").order == "cheapest"


def test_a_requests_order_applies_to_the_complete_chain() -> None:
    env = {"TASK_ROUTES": '{"task/mine": {"models": ["a/expensive", "b/cheap"], "order": "cheapest"}}'}

    found = planned(env, signals_of(*PRICES), models=["d/middling", "task/mine"], gateway={"order": "given"})

    assert chain_of(found) == ["d/middling", "a/expensive", "b/cheap"]


@pytest.mark.parametrize("order", ["priciest", "", 1])
def test_an_unknown_order_is_refused(order: object) -> None:
    with pytest.raises(GatewayError) as raised:
        planned(model="a/one", gateway={"order": order})

    assert raised.value.param == "gateway.order"
