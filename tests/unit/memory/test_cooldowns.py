import pytest

from gateway.faults.fault import DAY_S, MINUTE_S, Fault
from gateway.faults.policy import RULES, Scope, Verdict
from gateway.memory.cooldowns import LOOK_AGAIN_S, MAX_COOLDOWNS, PROBE_S, Cooldowns

BUSY = Fault(code="rate_limited", retry_after_s=10.0)
BROKEN = Fault(code="provider_error")
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

    assert len(cooldowns._cooldowns) == MAX_COOLDOWNS
    assert is_ready(cooldowns, "m/0", 0.0), "the cooldown that would have ended first was evicted"
    assert not is_ready(cooldowns, f"m/{MAX_COOLDOWNS + 49}", 0.0)


def test_cooldowns_that_are_over_are_evicted_first() -> None:
    cooldowns = Cooldowns()
    for number in range(MAX_COOLDOWNS):
        cooldowns.note(f"m/{number}", Fault(code="rate_limited", retry_after_s=1.0 + number), now_s=0.0)

    cooldowns.note("a/one", BUSY, now_s=100.0)

    assert len(cooldowns._cooldowns) == MAX_COOLDOWNS - 100 + 1


def test_a_fault_that_stops_the_chain_begins_no_cooldown() -> None:
    stopping = [Fault(code=code) for code, rule in RULES.items() if rule.verdict is Verdict.STOP]

    assert all(is_ready(cooling_until_10(fault=fault), "a/one", 0.0) for fault in stopping)


def test_after_a_cancelled_probe_the_next_request_may_probe() -> None:
    cooldowns = cooling_until_10()
    cooldowns.probe("a/one", now_s=12.0)

    cooldowns.release("a/one", now_s=13.0)

    assert is_ready(cooldowns, "a/one", 13.0)
