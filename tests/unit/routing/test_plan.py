import json
from collections.abc import Callable

import pytest

from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject
from gateway.routing.chain import Plan
from gateway.routing.plan import NOT_SURE, plan
from gateway.routing.selection import select
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings
from tests.support.planning import chain_of, listed, parsed, planned, reasons_in, signals_of

CHAIN = {"DEFAULT_MODEL": "d", "FALLBACK_MODELS": "e f"}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
NO_TOOLS: JsonObject = {"supported_parameters": ["max_tokens"]}


def test_the_models_that_a_request_names_are_its_chain() -> None:
    assert chain_of(planned(CHAIN, model="a", models=["b", "c"])) == ["a", "b", "c"]


def test_a_request_that_names_none_gets_the_settings_chain() -> None:
    assert chain_of(planned(CHAIN)) == ["d", "e", "f"]


@pytest.mark.parametrize("fields", [{}, {"model": "a", "models": ["b"]}], ids=repr)
def test_without_fallbacks_the_chain_is_its_first_model(fields: dict[str, object]) -> None:
    assert len(planned(CHAIN, None, None, **fields, gateway={"fallbacks": False}).chain) == 1


def test_without_fallbacks_no_other_model_takes_the_place_of_one_that_does_not_fit() -> None:
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
def test_a_time_is_the_settings(limit: str, setting: str, option: str) -> None:
    assert option
    assert getattr(planned({setting: "1500"}).limits, limit) == 1.5


@pytest.mark.parametrize(("limit", "setting", "option"), TIMES)
def test_a_time_that_the_request_asks_for_counts_more(limit: str, setting: str, option: str) -> None:
    assert getattr(planned({setting: "1500"}, gateway={option: 2500}).limits, limit) == 2.5


def test_an_attempt_has_no_time_of_its_own_unless_it_is_set() -> None:
    assert planned().limits.attempt_s is None


def test_no_retries_may_be_asked_for() -> None:
    assert planned({"RETRIES": "3"}, gateway={"retries": 0}).limits.retries == 0


def test_a_task_stands_for_its_chain_where_it_is_named() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["b/two", "c/three"]}'}

    assert chain_of(planned(env, models=["a/one", "task/mine", "d/four"])) == [
        "a/one",
        "b/two",
        "c/three",
        "d/four",
    ]


def test_a_model_that_is_named_twice_is_asked_where_it_comes_first() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["b/two", "a/one"]}'}

    assert chain_of(planned(env, models=["a/one", "task/mine"])) == ["a/one", "b/two"]


def test_the_default_model_may_be_a_task() -> None:
    env = {"DEFAULT_MODEL": "task/mine", "TASK_ROUTES": '{"task/mine": ["b/two"]}'}

    assert chain_of(planned(env)) == ["b/two"]


@pytest.mark.parametrize(
    ("field", "ask"),
    [
        ("model", lambda: planned(model="task/typo")),
        ("models", lambda: planned(models=["task/typo"])),
        ("models", lambda: planned(model="a/one", models=["b/two", "task/typo"])),
    ],
    ids=["model", "models", "models after model"],
)
def test_a_task_that_there_is_not_is_the_callers_fault(field: str, ask: Callable[[], Plan]) -> None:
    with pytest.raises(GatewayError, match="task/code") as raised:
        ask()

    assert (raised.value.code, raised.value.param) == ("unknown_task", field)
    assert "typo" not in raised.value.message


def test_a_task_brings_its_times_and_the_request_goes_before_them() -> None:
    options = '{"models": ["b/two"], "options": {"deadline_ms": 5000, "idle_ms": 700}}'
    env = {"DEADLINE_MS": "1000", "TASK_ROUTES": f'{{"task/mine": {options}}}'}

    limits = planned(env, model="task/mine", gateway={"idle_ms": 900}).limits

    assert (limits.deadline_s, limits.idle_s) == (5.0, 0.9)


def test_what_cannot_serve_a_request_is_left_out_and_why_is_said() -> None:
    found = planned(
        signals=signals_of(listed("a/one"), listed("b/two", **NO_TOOLS), listed("c/three")),
        models=["a/one", "b/two", "c/three"],
        tools=TOOLS,
    )

    assert chain_of(found) == ["a/one", "c/three"]
    assert reasons_in(found) == {"b/two": "no_tools"}
    assert found.requested == ("a/one", "b/two", "c/three")


def test_the_model_that_is_named_first_is_left_out_where_a_call_could_only_fail() -> None:
    found = planned(
        signals=signals_of(listed("a/one", **NO_TOOLS), listed("b/two")),
        models=["a/one", "b/two"],
        tools=TOOLS,
    )

    assert chain_of(found) == ["b/two"]


EXPIRED: JsonObject = {"expiration_date": "2020-01-01"}


def test_the_model_that_is_named_first_is_tried_where_a_call_might_succeed() -> None:
    found = planned(
        signals=signals_of(listed("a/one", **EXPIRED), listed("b/two", **EXPIRED), listed("c/three")),
        models=["a/one", "b/two", "c/three"],
    )

    assert chain_of(found) == ["a/one", "c/three"]
    assert reasons_in(found) == {"b/two": "expired"}


def test_the_first_of_a_task_was_not_named_by_the_caller() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["a/one", "b/two"]}'}

    found = planned(env, signals_of(listed("a/one", **EXPIRED), listed("b/two")), model="task/mine")

    assert chain_of(found) == ["b/two"]


def test_where_nothing_fits_for_sure_what_may_fit_is_kept() -> None:
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

    assert (fresh.chain, fresh.nothing_left) == ((), "no_model_fits")
    assert chain_of(stale) == ["a/one"]


def test_without_a_catalogue_everything_is_tried() -> None:
    assert chain_of(planned(models=["a/one", "b/two"], tools=TOOLS)) == ["a/one", "b/two"]


def test_a_model_that_is_not_listed_is_tried() -> None:
    found = planned(signals=signals_of(listed("a/one")), models=["a/one", "@preset/mine", "b/two"])

    assert chain_of(found) == ["a/one", "@preset/mine", "b/two"]


def test_a_default_routes_model_that_has_left_the_catalogue_is_skipped() -> None:
    found = planned(signals=signals_of(listed("~openai/gpt-latest")), model="task/code")

    assert chain_of(found) == ["~openai/gpt-latest"]
    assert set(reasons_in(found).values()) == {"not_listed"}


def test_default_routes_without_any_listed_model_are_tried_all_the_same() -> None:
    assert len(planned(signals=signals_of(listed("a/one")), model="task/code").chain) == 3


def test_an_operators_own_route_may_name_what_is_not_listed() -> None:
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
def test_a_key_asks_for_nothing_but_what_it_may_use(allowed: tuple[str, ...], chain: list[str]) -> None:
    found = planned(allowed=allowed, models=["a/one", "b/two"])

    assert chain_of(found) == chain
    assert set(reasons_in(found).values()) <= {"not_allowed"}


def test_a_key_may_be_allowed_a_task_and_not_its_models_alone() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["a/one"]}'}

    assert chain_of(planned(env, allowed=("task/mine",), model="task/mine")) == ["a/one"]
    assert planned(env, allowed=("task/mine",), model="a/one").nothing_left == "model_not_allowed"


def test_a_model_that_alone_could_go_above_the_ceiling_is_left_out() -> None:
    dear = listed("b/two", pricing={"prompt": "0.1", "completion": "0.1"})

    found = planned(
        signals=signals_of(listed("a/one"), dear),
        models=["a/one", "b/two"],
        max_tokens=100,
        gateway={"max_cost_usd": 0.5},
    )

    assert chain_of(found) == ["a/one"]
    (left_out,) = found.skipped
    assert left_out.reason == "over_max_cost"
    assert found.limits.max_cost_usd == 0.5


def test_the_callers_max_price_leaves_out_what_every_provider_charges_more_for() -> None:
    found = planned(
        signals=signals_of(
            listed("a/one"), listed("b/two", pricing={"prompt": "0.000009", "completion": "0"})
        ),
        models=["a/one", "b/two"],
        provider={"max_price": {"prompt": "5"}},
    )

    assert reasons_in(found) == {"b/two": "over_max_price"}


def test_a_routes_max_price_binds_its_own_models() -> None:
    route = '{"models": ["a/one", "b/two"], "max_price": {"completion": 1.5}}'
    cheap = listed("b/two", pricing={"prompt": "0", "completion": "0.000001"})
    env = {"TASK_ROUTES": f'{{"task/mine": {route}}}'}

    found = planned(
        env, signals_of(listed("a/one"), cheap, listed("c/three")), models=["c/three", "task/mine"]
    )

    assert chain_of(found) == ["c/three", "b/two"]
    assert reasons_in(found) == {"a/one": "over_max_price"}


def test_a_routes_required_parameters_bind_its_own_models() -> None:
    env = {"TASK_ROUTES": '{"task/mine": {"models": ["a/one", "b/two"], "require": ["seed"]}}'}
    seeded = listed("b/two", supported_parameters=["seed"])

    found = planned(env, signals_of(listed("a/one"), seeded), model="task/mine")

    assert reasons_in(found) == {"a/one": "route_requires_more"}


def test_more_models_than_a_request_may_call_are_left_out() -> None:
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
    ids=["unknown", "dear"],
)
@pytest.mark.parametrize("named", [True, False])
def test_no_doubt_about_a_model_lifts_a_ceiling(
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
    assert found.nothing_left == "over_max_cost"


def test_a_default_route_of_unlisted_models_keeps_to_a_strict_ceiling() -> None:
    options = {"max_cost_usd": 1, "strict": True}

    assert planned(signals=signals_of(listed("a/one")), model="task/bulk", gateway=options).chain == ()


DIRECT = {
    "UPSTREAMS": '{"near": {"base_url": "https://near.example/v1", "usd_per_million_tokens": '
    '{"dear": {"prompt": 100, "completion": 500}}}}'
}


@pytest.mark.parametrize(
    ("model", "reason"), [("direct:near/dear", "over_max_price"), ("direct:near/other", "price_unknown")]
)
@pytest.mark.parametrize("by_route", [True, False])
def test_a_max_price_binds_what_is_asked_directly(model: str, reason: str, by_route: bool) -> None:
    route = {"models": [model], "max_price": {"prompt": 1, "completion": 2}}
    env = {**DIRECT, "TASK_ROUTES": json.dumps({"task/mine": route})}
    asked = {"model": "task/mine"} if by_route else {"model": model, "provider": {"max_price": {"prompt": 1}}}

    found = planned(env, None, None, **asked)

    assert reasons_in(found) == {model: reason}
    assert found.nothing_left in ("over_max_price", "over_max_cost")


def test_a_ceiling_may_be_reached() -> None:
    worst_usd = (
        planned(signals=signals_of(listed("a/one")), model="a/one", max_tokens=10).chain[0].worst_cost_usd
    )
    assert worst_usd is not None

    at = planned(
        signals=signals_of(listed("a/one")), model="a/one", max_tokens=10, gateway={"max_cost_usd": worst_usd}
    )

    assert chain_of(at) == ["a/one"]


def test_of_the_ceilings_of_a_key_and_of_a_route_the_lower_one_holds() -> None:
    route = {"models": ["a/one"], "options": {"max_cost_usd": 5}}
    settings = Settings.from_env({"TASK_ROUTES": json.dumps({"task/rich": route})}.get)
    caller = Caller(name="poor", options={"max_cost_usd": 0.001})

    chat = parsed(model="task/rich")
    found = plan(chat, select(chat, settings, caller), settings, caller, signals_of())

    assert found.limits.max_cost_usd == 0.001


def test_without_fallbacks_the_others_of_a_task_are_named() -> None:
    env = {"TASK_ROUTES": '{"task/mine": ["a/one", "b/two"]}'}

    found = planned(env, model="task/mine", gateway={"fallbacks": False})

    assert chain_of(found) == ["a/one"]
    assert reasons_in(found) == {"b/two": "no_fallbacks"}


PRICES = [
    listed("a/dear", pricing={"prompt": "0.00001", "completion": "0.00001"}),
    listed("b/cheap", pricing={"prompt": "0", "completion": "0.0000001"}),
    listed("c/router", pricing={"prompt": "-1", "completion": "-1"}),
    listed("d/middling"),
]
NAMES = ["a/dear", "b/cheap", "c/router", "d/middling"]


def test_the_cheapest_comes_first_and_what_has_no_price_last() -> None:
    found = planned(signals=signals_of(*PRICES), models=NAMES, gateway={"order": "cheapest"})

    assert chain_of(found) == ["b/cheap", "d/middling", "a/dear", "c/router"]


def test_the_fastest_comes_first_and_what_nobody_has_measured_last() -> None:
    times_ms = {"c/router": 100.0, "a/dear": 900.0, "d/middling": 300.0}

    found = planned(signals=signals_of(expected_ms=times_ms), models=NAMES, gateway={"order": "fastest"})

    assert chain_of(found) == ["c/router", "d/middling", "a/dear", "b/cheap"]


def test_a_session_begins_with_the_model_that_served_it() -> None:
    found = planned(signals=signals_of(session_model="c/router"), models=NAMES, gateway={"order": "sticky"})

    assert chain_of(found) == ["c/router", "a/dear", "b/cheap", "d/middling"]


def test_weights_draw_the_order_and_none_at_all_comes_last() -> None:
    draws = iter([0.5, 0.5, 0.5, 0.5])
    weights = {"a/dear": 0, "b/cheap": 1, "c/router": 10, "d/middling": 5}

    found = planned(
        signals=signals_of(draw=lambda: next(draws)),
        models=NAMES,
        gateway={"order": "weighted", "weights": weights},
    )

    assert chain_of(found) == ["c/router", "d/middling", "b/cheap", "a/dear"]


@pytest.mark.parametrize("options", [{}, {"order": "cheapest"}, {"order": "given"}])
def test_weights_without_an_order_that_goes_by_them_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(GatewayError) as raised:
        planned(models=NAMES, gateway={"weights": {"a/dear": 1}, **options})

    assert (raised.value.code, raised.value.param) == ("invalid_field", "gateway.weights")


def test_a_requests_weights_go_before_those_of_a_route_that_is_ordered_by_weights() -> None:
    route = '{"models": ["a/dear", "b/cheap"], "order": "weighted", "weights": {"b/cheap": 0}}'
    env = {"TASK_ROUTES": f'{{"task/mine": {route}}}'}

    assert chain_of(planned(env, model="task/mine")) == ["a/dear", "b/cheap"]
    assert chain_of(planned(env, model="task/mine", gateway={"weights": {"a/dear": 0}}))[0] == "b/cheap"


def test_a_route_orders_its_own_models_alone() -> None:
    env = {"TASK_ROUTES": '{"task/mine": {"models": ["a/dear", "b/cheap"], "order": "cheapest"}}'}

    found = planned(env, signals_of(*PRICES), models=["d/middling", "task/mine"])

    assert chain_of(found) == ["d/middling", "b/cheap", "a/dear"]
    assert found.order == "given"
    assert planned(env, signals_of(*PRICES), model="task/mine").order == "cheapest"


def test_the_order_that_a_request_asks_for_is_the_whole_chains() -> None:
    env = {"TASK_ROUTES": '{"task/mine": {"models": ["a/dear", "b/cheap"], "order": "cheapest"}}'}

    found = planned(env, signals_of(*PRICES), models=["d/middling", "task/mine"], gateway={"order": "given"})

    assert chain_of(found) == ["d/middling", "a/dear", "b/cheap"]


@pytest.mark.parametrize("order", ["dearest", "", 1])
def test_an_order_is_one_of_the_known(order: object) -> None:
    with pytest.raises(GatewayError) as raised:
        planned(model="a/one", gateway={"order": order})

    assert raised.value.param == "gateway.order"
