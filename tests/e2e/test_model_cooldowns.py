"""Cooldowns: a model that asked for a pause is skipped until the pause is over, and the receipt shows it.

The gateway remembers cooldowns from test to test, so no two tests use the same model.
"""

import asyncio
import time

import httpx

from tests.support.chat import CHAT, SLACK_S, attempts_in, error_in, post, question
from tests.support.journal import Journal
from tests.support.runtimes import Gateway


def test_a_model_that_asked_for_a_pause_is_skipped_and_the_receipt_says_so(
    custom_gateway: Gateway, journal: Journal
) -> None:
    body = question(journal, "sim/retry-after-60", "sim/ok")
    first, second = post(custom_gateway, body), post(custom_gateway, body)
    assert first.headers["x-gateway-trace"] == "sim/retry-after-60=rate_limited,sim/ok=ok"
    assert second.headers["x-gateway-trace"] == "sim/ok=ok"
    [skipped] = second.json()["gateway"]["skipped"]
    assert (skipped["model"], skipped["reason"]) == ("sim/retry-after-60", "resting")
    assert 50 < skipped["wait_s"] <= 60
    assert journal.models() == ["sim/retry-after-60", "sim/ok", "sim/ok"]


def test_a_pause_met_under_preferences_of_the_request_binds_the_same_preferences_only(
    custom_gateway: Gateway, journal: Journal
) -> None:
    model = "sim/retry-after-64"
    preferring = question(journal, model, "sim/ok", provider={"only": ["tiny"]})
    traces = [
        post(custom_gateway, body).headers["x-gateway-trace"]
        for body in (
            preferring,
            preferring,
            question(journal, model, "sim/ok", provider={"ignore": ["tiny"]}),
            question(journal, model, "sim/ok"),
        )
    ]
    failed = f"{model}=rate_limited,sim/ok=ok"
    assert traces == [failed, "sim/ok=ok", failed, failed]


def test_retry_after_may_be_a_date(custom_gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/retry-date-61", "sim/ok")
    post(custom_gateway, body)
    assert post(custom_gateway, body).headers["x-gateway-trace"] == "sim/ok=ok"


def test_the_gateway_waits_for_the_first_cooldown_that_ends_within_the_deadline(
    custom_gateway: Gateway, journal: Journal
) -> None:
    models = ("sim/retry-after-62", "sim/retry-after-2-once")
    began_s = time.monotonic()
    answer = post(custom_gateway, question(journal, *models, gateway={"deadline_ms": 10_000}))
    took_s = time.monotonic() - began_s
    assert answer.status_code == 200
    assert answer.headers["x-gateway-model"] == "sim/retry-after-2-once"
    assert journal.models() == [*models, "sim/retry-after-2-once"]
    assert 1.9 < took_s < 2 + SLACK_S


def test_when_all_models_cool_down_beyond_the_deadline_the_error_says_when_to_retry(
    custom_gateway: Gateway, journal: Journal
) -> None:
    body = question(journal, "sim/retry-after-55", "sim/retry-after-50", gateway={"deadline_ms": 3000})
    began_s = time.monotonic()
    first, second = post(custom_gateway, body), post(custom_gateway, body)
    assert time.monotonic() - began_s < SLACK_S
    for answer, code in ((first, "rate_limited"), (second, "models_resting")):
        error = error_in(answer)
        assert (answer.status_code, error["code"]) == (429, code)
        assert 40 < int(answer.headers["retry-after"]) <= 50
        assert 40 < error["metadata"]["retry_after_s"] <= 50
        assert "x-should-retry" not in answer.headers
    receipt = error_in(second)["metadata"]["gateway"]
    assert receipt["attempts"] == []
    assert [each["model"] for each in receipt["skipped"]] == ["sim/retry-after-55", "sim/retry-after-50"]
    assert journal.models() == ["sim/retry-after-55", "sim/retry-after-50"]


def test_a_limit_of_all_free_models_cools_down_all_free_models_only(
    open_gateway: Gateway, journal: Journal
) -> None:
    models = ("sim/err-429-free-daily:free", "sim/ok:free", "sim/ok")
    answer = post(open_gateway, question(journal, *models))
    assert answer.headers["x-gateway-model"] == "sim/ok"
    skipped = [each["model"] for each in answer.json()["gateway"]["skipped"]]
    assert skipped == ["sim/ok:free"]
    assert journal.models() == ["sim/err-429-free-daily:free", "sim/ok"]


def test_after_a_cooldown_a_single_request_probes_the_model(
    custom_gateway: Gateway, journal: Journal
) -> None:
    model = "sim/retry-after-2-twice"
    body = question(journal, model, "sim/ok", gateway={"retries": 0})
    post(custom_gateway, body)
    time.sleep(2.1)

    async def all_at_once() -> list[httpx.Response]:
        async with custom_gateway.async_client() as client:
            return await asyncio.gather(*(client.post(CHAT, json=body) for _ in range(8)))

    answers = asyncio.run(all_at_once())
    assert {answer.headers["x-gateway-model"] for answer in answers} == {"sim/ok"}
    assert journal.models().count(model) == 2
    probing = [answer for answer in answers if len(attempts_in(answer.json()["gateway"])) == 2]
    assert len(probing) == 1
