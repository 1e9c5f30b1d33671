import pytest

from gateway.memory import session_accounts
from gateway.memory.key_spending import Held
from gateway.memory.session_accounts import MAX_REMEMBERED, SessionAccounts, account_of
from gateway.memory.spending import Spending
from gateway.settings.budget import SESSION

MONTH_S = 32 * 86_400.0


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_accounts, "MAX_ACCOUNTS", 3)


def test_the_session_that_was_not_used_for_longest_is_forgotten() -> None:
    accounts = SessionAccounts()
    first, second = accounts.get("1"), accounts.get("2")
    accounts.get("3")
    accounts.get("1")
    accounts.get("4")

    assert accounts.get("1") is first
    assert accounts.get("2") is not second
    assert len(accounts) == 3


def test_a_session_with_a_request_in_flight_is_forgotten_last() -> None:
    accounts = SessionAccounts()
    first = accounts.get("1")
    first.held["t"] = Held(micros=1, worst_micros=1, until_s=10.0)
    for number in range(2, 9):
        accounts.get(str(number))

    assert accounts.get("1") is first
    assert len(accounts) == 3


def test_sessions_are_bounded_even_if_all_have_requests_in_flight() -> None:
    accounts = SessionAccounts()
    for number in range(9):
        accounts.get(str(number)).held["t"] = Held(micros=1, worst_micros=1, until_s=10.0)

    assert len(accounts) == 3


def test_a_sessions_spending_does_not_end_with_the_month() -> None:
    spending, key = Spending(), account_of("a")
    spending.settle(key, "1", 5, now_s=0.0)
    spending.settle(key, "2", 7, now_s=MONTH_S)

    assert spending.spent(key, SESSION, now_s=2 * MONTH_S) == 12
    assert spending.spent(account_of("b"), SESSION, now_s=0.0) == 0
    assert spending.spent("a", SESSION, now_s=0.0) == 0


def test_the_unwritten_requests_of_a_session_are_bounded() -> None:
    spending, key = Spending(), account_of("a")
    for number in range(3 * MAX_REMEMBERED):
        spending.settle(key, str(number), 1, now_s=0.0)

    assert spending.spent(key, SESSION, now_s=0.0) == 3 * MAX_REMEMBERED
    assert len(spending._sessions.get(key).unwritten) == MAX_REMEMBERED  # its bound is what is tested
