import pytest

from gateway.faults.fault import Fault
from gateway.faults.policy import RULES, Scope, Verdict
from gateway.http.errors import KINDS

SOURCES = {"client", "gateway", "openrouter", "provider"}


@pytest.mark.parametrize("code", sorted(RULES))
def test_every_rule_has_valid_fields(code: str) -> None:
    rule = RULES[code]

    assert 400 <= rule.status < 600
    assert rule.source in SOURCES
    assert rule.message.endswith(".")
    assert rule.message.isascii()
    assert rule.billed in {"yes", "no", "unknown"}


def test_a_fault_of_the_account_stops_or_retries() -> None:
    accounts = [rule for rule in RULES.values() if rule.scope is Scope.ACCOUNT]

    assert {rule.verdict for rule in accounts} <= {Verdict.STOP, Verdict.RETRY}


def test_a_provider_fault_stops_the_chain_only_for_an_account() -> None:
    stops = [rule for rule in RULES.values() if rule.source == "provider" and rule.verdict is Verdict.STOP]

    assert {rule.scope for rule in stops} <= {Scope.ACCOUNT}  # the account at a direct upstream


def test_no_code_is_in_both_tables() -> None:
    assert not set(RULES) & set(KINDS)


@pytest.mark.parametrize(
    ("status", "shown"), [(None, 429), (429, 429), (402, 402), (503, 503), (200, 429), (302, 429), (999, 429)]
)
def test_a_caller_sees_the_upstreams_status_if_it_is_an_error(status: int | None, shown: int) -> None:
    assert Fault(code="rate_limited", status=status).shown_status == shown
