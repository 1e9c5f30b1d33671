import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.tokens import Tokens
from gateway.fallback.attempt import Attempt
from gateway.fallback.receipt import MAX_RECEIPT_HEADER_BYTES, Receipt
from gateway.faults.fault import Fault

MODELS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=256)


def receipt_of(models: list[str], *, requested: list[str] | None = None) -> Receipt:
    attempts = [Attempt(model=model, number=1) for model in models]
    for attempt in attempts[:-1]:
        attempt.fail(Fault(code="provider_error", status=502))
    attempts[-1].outcome = "answered"
    receipt = Receipt(request_id="req-1", requested=tuple(requested or models), started_at_s=0.0)
    receipt.attempts = attempts
    receipt.serving = attempts[-1]
    return receipt


@given(st.lists(MODELS, min_size=1, max_size=60), st.lists(MODELS, max_size=60))
def test_the_header_is_bounded_ascii_and_json(models: list[str], notes: list[str]) -> None:
    receipt = receipt_of(models)
    receipt.notes = notes
    header = receipt.to_header()

    assert len(header) <= MAX_RECEIPT_HEADER_BYTES
    assert header.isascii()
    assert header.isprintable()
    assert json.loads(header)["served"] == models[-1]


@given(st.lists(MODELS, min_size=1, max_size=60))
def test_the_trace_is_bounded_and_ascii(models: list[str]) -> None:
    trace = receipt_of(models).to_trace()

    assert len(trace) <= MAX_RECEIPT_HEADER_BYTES
    assert trace.isascii()


def test_a_long_header_leaves_out_the_earliest_attempts_and_counts_them() -> None:
    header = json.loads(receipt_of([f"author/model-{number}" for number in range(50)]).to_header())

    assert header["attempts"][-1]["model"] == "author/model-49"
    assert header["attempts_omitted"] + len(header["attempts"]) == 50


def test_a_long_header_leaves_out_requested_models_before_attempts() -> None:
    receipt = receipt_of(["a/one"], requested=[f"{number}".zfill(200) for number in range(50)])

    header = json.loads(receipt.to_header())

    assert [attempt["model"] for attempt in header["attempts"]] == ["a/one"]


def test_a_long_header_leaves_out_notes_before_attempts() -> None:
    receipt = receipt_of(["a/one", "b/two"])
    receipt.notes = [f"The cost of {'m' * 250} is unknown." for _ in range(40)]

    header = json.loads(receipt.to_header())

    assert (header["notes_omitted"], "notes" in header) == (40, False)
    assert [attempt["model"] for attempt in header["attempts"]] == ["a/one", "b/two"]
    assert "attempts_omitted" not in header


def test_a_short_header_is_the_complete_receipt() -> None:
    receipt = receipt_of(["a/one", "b/two"])

    assert json.loads(receipt.to_header()) == receipt.to_json()


@pytest.mark.parametrize(
    ("costs", "total"), [([None, None], None), ([None, 0.1], 0.1), ([0.1, 0.2], 0.3), ([0.0, None], 0.0)]
)
def test_the_cost_is_the_sum_of_the_known_costs(costs: list[float | None], total: float | None) -> None:
    receipt = receipt_of(["a", "b"])
    for attempt, cost_usd in zip(receipt.attempts, costs, strict=True):
        attempt.settle(cost_usd)

    assert receipt.cost_usd == total


@pytest.mark.parametrize(("cost_usd", "billed"), [(0.1, "yes"), (0.0, "no"), (None, "unknown")])
def test_billed_follows_the_cost_that_openrouter_reports(cost_usd: float | None, billed: str) -> None:
    attempt = Attempt(model="a", number=1)

    attempt.settle(cost_usd)

    assert (attempt.cost_usd, attempt.billed) == (cost_usd, billed)


def test_a_failed_attempt_shows_its_fault() -> None:
    attempt = Attempt(model="a", number=1, status=200)

    attempt.fail(Fault(code="rate_limited", status=429))

    shown = attempt.to_json()
    assert (shown["outcome"], shown["code"], shown["source"]) == ("failed", "rate_limited", "provider")
    assert (shown["status"], shown["billed"]) == (429, "no")


def test_a_failure_after_the_usage_does_not_reset_the_cost() -> None:
    attempt = Attempt(model="a/one", number=1)
    attempt.settle_usage({"cost": 0.5}, Tokens(prompt=1, completion=1))

    attempt.fail(Fault(code="provider_error"), outcome="cut_off")

    assert (attempt.cost_usd, attempt.billed) == (0.5, "yes")
