import pytest

from gateway.faults.fault import DAY_S, MINUTE_S, Fault
from gateway.faults.policy import RULES, Scope, Verdict
from gateway.memory.cooldowns import LOOK_AGAIN_S, MAX_COOLDOWNS, PROBE_S, Cooldowns

BUSY = Fault(code="rate_limited", retry_after_s=10.0)
BROKEN = Fault(code="provider_error")
PAUSING_ACCOUNT = [code for code, rule in RULES.items() if rule.scope is Scope.ACCOUNT]


def rests_until_10(model: str = "a/one", fault: Fault = BUSY) -> Cooldowns:
    rests = Cooldowns()
    rests.note(model, fault, now_s=0.0)
    return rests


def is_ready(rests: Cooldowns, model: str, now_s: float) -> bool:
    return rests.ready_at_s(model, now_s=now_s) <= now_s


def test_what_has_asked_for_nothing_is_ready() -> None:
    assert is_ready(Cooldowns(), "a/one", 0.0)


@pytest.mark.parametrize(("now_s", "ready"), [(0.0, False), (9.9, False), (10.0, True), (11.0, True)])
def test_a_model_rests_until_its_time(now_s: float, ready: bool) -> None:
    assert is_ready(rests_until_10(), "a/one", now_s) is ready


@pytest.mark.parametrize("other", ["b/two", "a/one:free", "a/one:nitro"])
def test_a_models_rest_is_its_own(other: str) -> None:
    assert is_ready(rests_until_10(), other, 0.0)


def test_a_later_word_counts() -> None:
    rests = rests_until_10()

    rests.note("a/one", Fault(code="rate_limited", retry_after_s=60.0), now_s=5.0)

    assert rests.ready_at_s("a/one", now_s=5.0) == 65.0


def test_a_fault_that_asks_for_no_pause_leaves_no_rest() -> None:
    assert is_ready(rests_until_10(fault=BROKEN), "a/one", 0.0)


@pytest.mark.parametrize("code", PAUSING_ACCOUNT)
def test_a_fault_of_the_account_leaves_no_rest(code: str) -> None:
    rests = rests_until_10(fault=Fault(code=code, retry_after_s=10.0))

    assert is_ready(rests, "a/one", 0.0)


@pytest.mark.parametrize(
    ("code", "until_s"), [("free_limit_minute", 1_000.0 + MINUTE_S), ("free_limit_daily", DAY_S)]
)
def test_a_limit_on_free_models_rests_them_all_until_it_ends(code: str, until_s: float) -> None:
    rests = Cooldowns()

    rests.note("a/one:free", Fault(code=code), now_s=1_000.0)

    assert rests.ready_at_s("b/two:free", now_s=1_000.0) == until_s
    assert is_ready(rests, "a/one", 1_000.0)


def test_a_free_model_may_rest_longer_than_the_others() -> None:
    rests = rests_until_10("a/one:free", Fault(code="free_limit_minute"))

    rests.note("a/one:free", Fault(code="rate_limited", retry_after_s=500.0), now_s=0.0)

    assert rests.ready_at_s("a/one:free", now_s=0.0) == 500.0
    assert rests.ready_at_s("b/two:free", now_s=0.0) == MINUTE_S


@pytest.mark.parametrize(("model", "other"), [("a/one", "a/one"), ("a/one:free", "b/two:free")])
def test_a_late_answer_does_not_end_a_rest(model: str, other: str) -> None:
    code = "free_limit_daily" if model.endswith(":free") else "rate_limited"
    rests = rests_until_10(model, Fault(code=code, retry_after_s=10.0))

    rests.probe(other, now_s=5.0)  # as every attempt does: the one of before the pause once more
    rests.release(other, now_s=6.0)
    rests.answered(other)

    assert rests.ready_at_s(model, now_s=7.0) == 10.0


def test_an_answer_to_a_probe_of_one_free_model_ends_the_rest_of_all() -> None:
    rests = rests_until_10("a/one:free", Fault(code="free_limit_minute"))
    rests.probe("b/two:free", now_s=70.0)

    rests.answered("b/two:free")

    assert is_ready(rests, "a/one:free", 70.0)


@pytest.mark.parametrize(
    ("model", "first", "late", "until_s"),
    [
        ("a/one", Fault(code="rate_limited", retry_after_s=3_600.0), BUSY, 3_600.0),
        ("a/one:free", Fault(code="free_limit_daily"), Fault(code="free_limit_minute"), DAY_S),
    ],
    ids=["a model", "all free models"],
)
def test_a_late_word_shortens_no_rest(model: str, first: Fault, late: Fault, until_s: float) -> None:
    rests = rests_until_10(model, first)

    rests.note(model, late, now_s=1.0)

    assert rests.ready_at_s(model, now_s=1.0) == until_s


@pytest.mark.parametrize("model", ["openrouter/free", "@preset/free"])
def test_what_met_the_limit_of_free_models_rests_whatever_its_name(model: str) -> None:
    rests = rests_until_10(model, Fault(code="free_limit_daily"))

    assert rests.ready_at_s(model, now_s=1.0) == DAY_S
    assert rests.ready_at_s("b/two:free", now_s=1.0) == DAY_S


def test_a_late_failure_does_not_end_a_rest() -> None:
    rests = rests_until_10()

    rests.note("a/one", BROKEN, now_s=5.0)

    assert rests.ready_at_s("a/one", now_s=5.0) == 10.0


def test_while_one_probes_the_others_wait() -> None:
    rests = rests_until_10()

    rests.probe("a/one", now_s=12.0)

    assert rests.ready_at_s("a/one", now_s=13.0) == 13.0 + LOOK_AGAIN_S


def test_one_probe_serves_all_free_models() -> None:
    rests = rests_until_10("a/one:free", Fault(code="free_limit_minute"))

    rests.probe("b/two:free", now_s=70.0)

    assert not is_ready(rests, "a/one:free", 71.0)
    assert is_ready(rests, "a/one", 71.0)


def test_asking_when_a_model_is_ready_is_no_probe() -> None:
    rests = rests_until_10()

    assert is_ready(rests, "a/one", 12.0)
    assert is_ready(rests, "a/one", 12.0)


def test_a_model_that_never_rested_is_not_probed() -> None:
    rests = Cooldowns()

    rests.probe("a/one", now_s=0.0)

    assert is_ready(rests, "a/one", 1.0)


def test_a_probe_that_is_answered_lets_all_in() -> None:
    rests = rests_until_10()
    rests.probe("a/one", now_s=12.0)

    rests.answered("a/one")

    assert is_ready(rests, "a/one", 13.0)


@pytest.mark.parametrize(
    "met",
    [BROKEN, *(Fault(code=code, retry_after_s=10.0) for code in PAUSING_ACCOUNT)],
    ids=lambda fault: fault.code,
)
@pytest.mark.parametrize("model", ["a/one", "a/one:free"])
def test_a_probe_that_fails_without_a_pause_of_its_own_lets_all_in(model: str, met: Fault) -> None:
    fault = Fault(code="free_limit_minute" if model.endswith(":free") else "rate_limited", retry_after_s=10.0)
    rests = rests_until_10(model, fault)
    rests.probe(model, now_s=12.0)

    rests.note(model, met, now_s=13.0)

    assert is_ready(rests, model, 13.0)


def test_a_probe_that_meets_a_pause_of_the_model_alone_lets_other_free_models_in() -> None:
    rests = rests_until_10("a/one:free", Fault(code="free_limit_minute"))
    rests.probe("a/one:free", now_s=70.0)

    rests.note("a/one:free", BUSY, now_s=71.0)

    assert rests.ready_at_s("a/one:free", now_s=71.0) == 81.0
    assert is_ready(rests, "b/two:free", 71.0)


def test_a_probe_that_meets_another_pause_rests_again() -> None:
    rests = rests_until_10()
    rests.probe("a/one", now_s=12.0)

    rests.note("a/one", BUSY, now_s=13.0)

    assert rests.ready_at_s("a/one", now_s=13.0) == 23.0


def test_a_probe_that_nobody_hears_of_ends_by_itself() -> None:
    rests = rests_until_10()

    rests.probe("a/one", now_s=12.0)

    assert is_ready(rests, "a/one", 12.0 + PROBE_S)


def test_there_are_never_more_than_so_many() -> None:
    rests = Cooldowns()

    for number in range(MAX_COOLDOWNS + 50):
        rests.note(f"m/{number}", Fault(code="rate_limited", retry_after_s=100.0 + number), now_s=0.0)

    assert len(rests._rests) == MAX_COOLDOWNS
    assert is_ready(rests, "m/0", 0.0), "what would have ended first made room"
    assert not is_ready(rests, f"m/{MAX_COOLDOWNS + 49}", 0.0)


def test_what_is_over_makes_room_first() -> None:
    rests = Cooldowns()
    for number in range(MAX_COOLDOWNS):
        rests.note(f"m/{number}", Fault(code="rate_limited", retry_after_s=1.0 + number), now_s=0.0)

    rests.note("a/one", BUSY, now_s=100.0)

    assert len(rests._rests) == MAX_COOLDOWNS - 100 + 1


def test_every_stop_is_the_accounts_or_the_requests_and_so_leaves_no_rest() -> None:
    pausing = [Fault(code=code) for code, rule in RULES.items() if rule.verdict is Verdict.STOP]

    assert all(is_ready(rests_until_10(fault=fault), "a/one", 0.0) for fault in pausing)


def test_a_probe_that_was_cancelled_leaves_its_place_to_the_next() -> None:
    rests = rests_until_10()
    rests.probe("a/one", now_s=12.0)

    rests.release("a/one", now_s=13.0)

    assert is_ready(rests, "a/one", 13.0)
