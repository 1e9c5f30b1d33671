import pytest

from gateway.faults.fault import DAY_S, MINUTE_S, Fault
from gateway.faults.policy import RULES, Scope, Verdict
from gateway.memory.cooldown import LOOK_AGAIN_S, PROBE_EVERY_S
from gateway.memory.cooldowns import (
    MAX_COOLDOWNS,
    MAX_OF_ONE,
    PROBE_S,
    SHARED,
    Cooldowns,
)

BUSY = Fault(code="rate_limited", retry_after_s=10.0)
LONG = Fault(code="rate_limited", retry_after_s=3_600.0)
BROKEN = Fault(code="provider_error")
MINE = ("app1", "digest")
PAUSING_ACCOUNT = [code for code, rule in RULES.items() if rule.scope is Scope.ACCOUNT]


def cooling_until_10(model: str = "a/one", fault: Fault = BUSY) -> Cooldowns:
    cooldowns = Cooldowns()
    cooldowns.note(model, fault, now_s=0.0)
    return cooldowns


def is_ready(cooldowns: Cooldowns, model: str, now_s: float) -> bool:
    return cooldowns.ready_at_s(model, now_s=now_s) <= now_s


def test_a_model_without_a_cooldown_is_ready() -> None:
    assert is_ready(Cooldowns(), "a/one", 0.0)


@pytest.mark.parametrize(("now_s", "ready"), [(0.0, False), (9.9, False), (10.0, True), (11.0, True)])
def test_a_model_cools_down_until_the_given_time(now_s: float, ready: bool) -> None:
    assert is_ready(cooling_until_10(), "a/one", now_s) is ready


@pytest.mark.parametrize("other", ["b/two", "a/one:free", "a/one:nitro"])
def test_a_cooldown_applies_to_one_model_only(other: str) -> None:
    assert is_ready(cooling_until_10(), other, 0.0)


def test_a_later_fault_extends_the_cooldown() -> None:
    cooldowns = cooling_until_10()

    cooldowns.note("a/one", Fault(code="rate_limited", retry_after_s=60.0), now_s=5.0)

    assert cooldowns.ready_at_s("a/one", now_s=5.0) == 65.0


def test_a_fault_without_a_pause_begins_no_cooldown() -> None:
    assert is_ready(cooling_until_10(fault=BROKEN), "a/one", 0.0)


@pytest.mark.parametrize("code", PAUSING_ACCOUNT)
def test_a_fault_of_the_account_begins_no_cooldown(code: str) -> None:
    cooldowns = cooling_until_10(fault=Fault(code=code, retry_after_s=10.0))

    assert is_ready(cooldowns, "a/one", 0.0)


@pytest.mark.parametrize(
    ("code", "until_s"), [("free_limit_minute", 1_000.0 + MINUTE_S), ("free_limit_daily", DAY_S)]
)
def test_a_limit_on_free_models_begins_one_cooldown_for_all_of_them(code: str, until_s: float) -> None:
    cooldowns = Cooldowns()

    cooldowns.note("a/one:free", Fault(code=code), now_s=1_000.0)

    assert cooldowns.ready_at_s("b/two:free", now_s=1_000.0) == until_s
    assert is_ready(cooldowns, "a/one", 1_000.0)


def test_a_free_model_may_cool_down_longer_than_the_other_free_models() -> None:
    cooldowns = cooling_until_10("a/one:free", Fault(code="free_limit_minute"))

    cooldowns.note("a/one:free", Fault(code="rate_limited", retry_after_s=500.0), now_s=0.0)

    assert cooldowns.ready_at_s("a/one:free", now_s=0.0) == 500.0
    assert cooldowns.ready_at_s("b/two:free", now_s=0.0) == MINUTE_S


@pytest.mark.parametrize(("model", "other"), [("a/one", "a/one"), ("a/one:free", "b/two:free")])
def test_an_answer_to_an_earlier_call_does_not_end_a_cooldown(model: str, other: str) -> None:
    code = "free_limit_daily" if model.endswith(":free") else "rate_limited"
    cooldowns = cooling_until_10(model, Fault(code=code, retry_after_s=10.0))

    cooldowns.probe(other, now_s=5.0)  # every attempt calls it; during a cooldown it has no effect
    cooldowns.release(other, now_s=6.0)
    cooldowns.answered(other)

    assert cooldowns.ready_at_s(model, now_s=7.0) == 10.0


def test_an_answer_to_a_probe_of_one_free_model_ends_the_cooldown_of_all() -> None:
    cooldowns = cooling_until_10("a/one:free", Fault(code="free_limit_minute"))
    cooldowns.probe("b/two:free", now_s=70.0)

    cooldowns.answered("b/two:free")

    assert is_ready(cooldowns, "a/one:free", 70.0)


@pytest.mark.parametrize(
    ("model", "first", "later", "until_s"),
    [
        ("a/one", Fault(code="rate_limited", retry_after_s=3_600.0), BUSY, 3_600.0),
        ("a/one:free", Fault(code="free_limit_daily"), Fault(code="free_limit_minute"), DAY_S),
    ],
    ids=["a model", "all free models"],
)
def test_a_later_fault_with_a_shorter_pause_does_not_shorten_a_cooldown(
    model: str, first: Fault, later: Fault, until_s: float
) -> None:
    cooldowns = cooling_until_10(model, first)

    cooldowns.note(model, later, now_s=1.0)

    assert cooldowns.ready_at_s(model, now_s=1.0) == until_s


@pytest.mark.parametrize("model", ["openrouter/free", "@preset/free"])
def test_a_router_or_preset_that_meets_the_limit_of_free_models_cools_down_as_well(model: str) -> None:
    cooldowns = cooling_until_10(model, Fault(code="free_limit_daily"))

    assert cooldowns.ready_at_s(model, now_s=1.0) == DAY_S
    assert cooldowns.ready_at_s("b/two:free", now_s=1.0) == DAY_S


def test_a_fault_of_an_earlier_call_does_not_end_a_cooldown() -> None:
    cooldowns = cooling_until_10()

    cooldowns.note("a/one", BROKEN, now_s=5.0)

    assert cooldowns.ready_at_s("a/one", now_s=5.0) == 10.0


def test_during_a_probe_other_requests_wait() -> None:
    cooldowns = cooling_until_10()

    cooldowns.probe("a/one", now_s=12.0)

    assert cooldowns.ready_at_s("a/one", now_s=13.0) == 13.0 + LOOK_AGAIN_S


def test_one_probe_counts_for_all_free_models() -> None:
    cooldowns = cooling_until_10("a/one:free", Fault(code="free_limit_minute"))

    cooldowns.probe("b/two:free", now_s=70.0)

    assert not is_ready(cooldowns, "a/one:free", 71.0)
    assert is_ready(cooldowns, "a/one", 71.0)


def test_ready_at_s_does_not_begin_a_probe() -> None:
    cooldowns = cooling_until_10()

    assert is_ready(cooldowns, "a/one", 12.0)
    assert is_ready(cooldowns, "a/one", 12.0)


def test_a_model_without_a_cooldown_is_not_probed() -> None:
    cooldowns = Cooldowns()

    cooldowns.probe("a/one", now_s=0.0)

    assert is_ready(cooldowns, "a/one", 1.0)


def test_after_an_answered_probe_the_model_is_ready_for_all_requests() -> None:
    cooldowns = cooling_until_10()
    cooldowns.probe("a/one", now_s=12.0)

    cooldowns.answered("a/one")

    assert is_ready(cooldowns, "a/one", 13.0)


@pytest.mark.parametrize(
    "outcome",
    [BROKEN, *(Fault(code=code, retry_after_s=10.0) for code in PAUSING_ACCOUNT)],
    ids=lambda fault: fault.code,
)
@pytest.mark.parametrize("model", ["a/one", "a/one:free"])
def test_after_a_probe_that_fails_without_a_pause_the_model_is_ready_for_all_requests(
    model: str, outcome: Fault
) -> None:
    fault = Fault(code="free_limit_minute" if model.endswith(":free") else "rate_limited", retry_after_s=10.0)
    cooldowns = cooling_until_10(model, fault)
    cooldowns.probe(model, now_s=12.0)

    cooldowns.note(model, outcome, now_s=13.0)

    assert is_ready(cooldowns, model, 13.0)


def test_after_a_probe_that_meets_a_pause_of_one_model_the_other_free_models_are_ready() -> None:
    cooldowns = cooling_until_10("a/one:free", Fault(code="free_limit_minute"))
    cooldowns.probe("a/one:free", now_s=70.0)

    cooldowns.note("a/one:free", BUSY, now_s=71.0)

    assert cooldowns.ready_at_s("a/one:free", now_s=71.0) == 81.0
    assert is_ready(cooldowns, "b/two:free", 71.0)


def test_a_probe_that_meets_another_pause_begins_another_cooldown() -> None:
    cooldowns = cooling_until_10()
    cooldowns.probe("a/one", now_s=12.0)

    cooldowns.note("a/one", BUSY, now_s=13.0)

    assert cooldowns.ready_at_s("a/one", now_s=13.0) == 23.0


def test_a_probe_without_an_outcome_expires() -> None:
    cooldowns = cooling_until_10()

    cooldowns.probe("a/one", now_s=12.0)

    assert is_ready(cooldowns, "a/one", 12.0 + PROBE_S)


def test_there_are_never_more_than_max_cooldowns() -> None:
    cooldowns = Cooldowns()

    for number in range(MAX_COOLDOWNS + 50):
        cooldowns.note(f"m/{number}", Fault(code="rate_limited", retry_after_s=100.0 + number), now_s=0.0)

    assert len(cooldowns._noted) == MAX_COOLDOWNS
    assert is_ready(cooldowns, "m/0", 0.0), "the cooldown that would have ended first was evicted"
    assert not is_ready(cooldowns, f"m/{MAX_COOLDOWNS + 49}", 0.0)


def test_cooldowns_that_are_over_are_evicted_first() -> None:
    cooldowns = Cooldowns()
    for number in range(MAX_COOLDOWNS):
        cooldowns.note(f"m/{number}", Fault(code="rate_limited", retry_after_s=1.0 + number), now_s=0.0)

    cooldowns.note("a/one", BUSY, now_s=100.0)

    assert len(cooldowns._noted) == MAX_COOLDOWNS - 100 + 1


def test_a_fault_that_stops_the_chain_begins_no_cooldown() -> None:
    stopping = [Fault(code=code) for code, rule in RULES.items() if rule.verdict is Verdict.STOP]

    assert all(is_ready(cooling_until_10(fault=fault), "a/one", 0.0) for fault in stopping)


def test_after_a_cancelled_probe_the_next_request_may_probe() -> None:
    cooldowns = cooling_until_10()
    cooldowns.probe("a/one", now_s=12.0)

    cooldowns.release("a/one", now_s=13.0)

    assert is_ready(cooldowns, "a/one", 13.0)


def request_of(cooldowns: Cooldowns, **narrowed: tuple[str, str]) -> Cooldowns:
    """Return the cooldowns as one request sees them; ``a_one=MINE`` is its scope for the model ``a/one``."""
    scopes = {model.replace("_", "/"): scope for model, scope in narrowed.items()}
    return cooldowns.of_request(SHARED, scopes)


@pytest.mark.parametrize(
    "code",
    [code for code, rule in RULES.items() if rule.scope is Scope.MODEL and not Fault(code=code).is_slowness],
)
def test_a_fault_of_the_request_begins_no_cooldown_whatever_pause_it_carries(code: str) -> None:
    assert is_ready(cooling_until_10(fault=Fault(code=code, retry_after_s=10.0)), "a/one", 0.0)


# -- probes during a long cooldown


@pytest.mark.parametrize(("pause_s", "is_probed"), [(59.0, False), (60.0, False), (61.0, True)])
def test_only_a_cooldown_of_more_than_a_minute_is_probed(pause_s: float, is_probed: bool) -> None:
    cooldowns = cooling_until_10(fault=Fault(code="rate_limited", retry_after_s=pause_s))

    assert is_ready(cooldowns, "a/one", min(pause_s - 0.5, PROBE_EVERY_S)) is is_probed


def test_in_a_long_cooldown_one_request_a_minute_finds_the_model_ready() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    calls = []

    for now_s in range(300):
        request = request_of(cooldowns)
        if is_ready(request, "a/one", now_s):
            calls.append(now_s)
            request.probe("a/one", now_s=now_s)

    assert calls == [60, 120, 180, 240]
    assert cooldowns.ready_at_s("a/one", now_s=250.0) == 3_600.0


def test_a_probe_in_a_long_cooldown_that_is_answered_ends_it() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request = request_of(cooldowns)
    request.probe("a/one", now_s=60.0)

    request.answered("a/one")

    assert is_ready(cooldowns, "a/one", 60.0)


def test_an_answer_of_another_request_than_the_probe_does_not_end_a_cooldown() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request_of(cooldowns).probe("a/one", now_s=60.0)

    request_of(cooldowns).answered("a/one")

    assert cooldowns.ready_at_s("a/one", now_s=61.0) == 3_600.0


def test_an_answered_probe_does_not_end_a_cooldown_that_began_after_it() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request = request_of(cooldowns)
    request.probe("a/one", now_s=60.0)
    request_of(cooldowns).note("a/one", LONG, now_s=61.0)

    request.answered("a/one")

    assert cooldowns.ready_at_s("a/one", now_s=62.0) == 3_661.0


@pytest.mark.parametrize("code", ["provider_error", "overloaded", "connection_failed", "openrouter_error"])
def test_a_probe_in_a_long_cooldown_that_is_refused_leaves_it(code: str) -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request = request_of(cooldowns)
    request.probe("a/one", now_s=60.0)

    request.note("a/one", Fault(code=code), now_s=61.0)

    assert cooldowns.ready_at_s("a/one", now_s=62.0) == 3_600.0
    assert is_ready(cooldowns, "a/one", 120.0)


def test_a_probe_that_meets_another_long_pause_makes_the_cooldown_longer() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request = request_of(cooldowns)
    request.probe("a/one", now_s=60.0)

    request.note("a/one", LONG, now_s=61.0)

    assert cooldowns.ready_at_s("a/one", now_s=120.0) == 3_661.0
    assert is_ready(cooldowns, "a/one", 121.0)


@pytest.mark.parametrize(
    "code",
    ["rejected_by_provider", "context_too_long", "upstream_key_rejected", "attempt_timeout", "empty_answer"],
)
def test_a_probe_whose_fault_says_nothing_about_the_pause_lets_the_next_request_probe_at_once(
    code: str,
) -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request = request_of(cooldowns)
    request.probe("a/one", now_s=60.0)

    request.note("a/one", Fault(code=code), now_s=61.0)

    assert is_ready(cooldowns, "a/one", 61.0)
    request_of(cooldowns).probe("a/one", now_s=61.0)
    assert cooldowns.ready_at_s("a/one", now_s=62.0) == 3_600.0


def test_a_cancelled_probe_in_a_long_cooldown_lets_the_next_request_probe_at_once() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request = request_of(cooldowns)
    request.probe("a/one", now_s=60.0)

    request_of(cooldowns).release("a/one", now_s=61.0)  # a request that does not probe
    assert not is_ready(cooldowns, "a/one", 61.0)
    request.release("a/one", now_s=61.0)

    assert is_ready(cooldowns, "a/one", 61.0)


def test_the_limit_of_all_free_models_is_probed_and_a_fault_of_one_model_does_not_use_up_the_probe() -> None:
    cooldowns = cooling_until_10("a/one:free", Fault(code="free_limit_daily"))
    request = request_of(cooldowns)
    request.probe("b/two:free", now_s=60.0)
    assert not is_ready(cooldowns, "c/three:free", 60.0)

    request.note("b/two:free", BROKEN, now_s=61.0)
    assert is_ready(cooldowns, "c/three:free", 61.0)
    request.probe("b/two:free", now_s=61.0)
    request.note("b/two:free", Fault(code="free_limit_daily"), now_s=62.0)

    assert cooldowns.ready_at_s("c/three:free", now_s=63.0) == DAY_S


# -- scopes


def test_a_fault_met_under_preferences_applies_to_the_same_caller_and_preferences_only() -> None:
    cooldowns = Cooldowns()

    request_of(cooldowns, a_one=MINE).note("a/one", LONG, now_s=0.0)

    assert not is_ready(request_of(cooldowns, a_one=MINE), "a/one", 1.0)
    assert is_ready(request_of(cooldowns), "a/one", 1.0)
    assert is_ready(request_of(cooldowns, a_one=("app2", "digest")), "a/one", 1.0)
    assert is_ready(request_of(cooldowns, a_one=("app1", "other")), "a/one", 1.0)


@pytest.mark.parametrize("outcome", ["answered", "failed", "cancelled"])
def test_a_request_with_preferences_neither_uses_up_nor_ends_the_probe_of_all_callers(outcome: str) -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request = request_of(cooldowns, a_one=MINE)
    request.probe("a/one", now_s=60.0)
    assert is_ready(request_of(cooldowns), "a/one", 60.0)
    request_of(cooldowns).probe("a/one", now_s=60.0)

    if outcome == "answered":
        request.answered("a/one")
    elif outcome == "failed":
        request.note("a/one", Fault(code="rejected_by_provider"), now_s=61.0)
    else:
        request.release("a/one", now_s=61.0)

    assert request_of(cooldowns).ready_at_s("a/one", now_s=62.0) == 3_600.0


@pytest.mark.parametrize(("now_s", "ready"), [(1.0, False), (59.0, False), (60.0, True), (1_000.0, True)])
def test_a_cooldown_of_all_callers_binds_a_request_with_preferences_for_a_minute(
    now_s: float, ready: bool
) -> None:
    cooldowns = cooling_until_10(fault=LONG)
    request_of(cooldowns).note("a/one", LONG, now_s=30.0)  # a fault that makes it longer begins no minute

    assert is_ready(request_of(cooldowns, a_one=MINE), "a/one", now_s) is ready


def test_a_limit_of_the_account_applies_whatever_a_request_prefers() -> None:
    cooldowns = Cooldowns()
    limit = Fault(code="free_limit_daily")

    cooldowns.of_request(SHARED, {"a/one:free": MINE}).note("a/one:free", limit, now_s=0.0)

    assert cooldowns.ready_at_s("b/two:free", now_s=1.0) == DAY_S
    others = cooldowns.of_request(SHARED, {"b/two:free": ("app2", "other")})
    assert others.ready_at_s("b/two:free", now_s=1.0) == DAY_S


def test_another_account_has_cooldowns_of_its_own_and_sees_no_others() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    own = ("own 1", "")

    cooldowns.of_request(own, {}).note("b/two", LONG, now_s=0.0)
    cooldowns.of_request(own, {}).note("c/three:free", Fault(code="free_limit_daily"), now_s=0.0)

    assert is_ready(cooldowns.of_request(own, {}), "a/one", 1.0)
    assert cooldowns.of_request(own, {}).ready_at_s("b/two", now_s=1.0) == 3_600.0
    assert not is_ready(cooldowns.of_request(own, {}), "d/four:free", 1.0)
    for other in (SHARED, ("own 2", "")):
        assert is_ready(cooldowns.of_request(other, {}), "b/two", 1.0)
        assert is_ready(cooldowns.of_request(other, {}), "d/four:free", 1.0)


def test_the_cooldowns_of_callers_are_bounded_and_take_no_room_from_those_of_all() -> None:
    cooldowns = cooling_until_10(fault=BUSY)

    for caller in range(50):
        for number in range(MAX_OF_ONE + 10):
            scope = (f"app{caller}", f"digest {number}")
            request_of(cooldowns, a_one=scope).note("a/one", LONG, now_s=0.0)

    owners = [owner for (owner, _), _ in cooldowns._noted]
    assert len(owners) == MAX_COOLDOWNS + 1
    assert owners.count("app49") == MAX_OF_ONE
    assert not is_ready(cooldowns, "a/one", 1.0)


def test_a_copy_sees_the_same_and_changes_nothing() -> None:
    cooldowns = cooling_until_10(fault=LONG)
    copied = request_of(cooldowns, b_two=MINE).copy()

    copied.note("b/two", LONG, now_s=0.0)
    copied.probe("a/one", now_s=60.0)
    copied.answered("a/one")

    assert is_ready(copied, "a/one", 60.0)
    assert not is_ready(copied, "b/two", 60.0 - 1.0)
    assert cooldowns.ready_at_s("a/one", now_s=59.0) == 3_600.0
    assert is_ready(request_of(cooldowns, b_two=MINE), "b/two", 1.0)
