"""With nothing configured nobody is held by a silent model or a pause, and no slow healthy model is cut."""

import time
from concurrent.futures import ThreadPoolExecutor

import openai as openai_client
import pytest

from tests.support.chat import OK_TEXT, SLACK_S, error_in, openai, post, question, said_in
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

PAUSED = "sim/retry-after-45"


def test_a_silent_stream_is_given_up_after_15_seconds_and_one_that_begins_after_12_is_not(
    gateway: Gateway, journal: Journal
) -> None:
    def trace_and_time_of(model: str) -> tuple[str, float]:
        began_s = time.monotonic()
        answer = post(gateway, question(journal, model, "sim/ok", stream=True))
        took_s = time.monotonic() - began_s
        payloads = payloads_in(answer.content)
        assert (said_in(payloads), payloads[-1]) == (OK_TEXT, "[DONE]")
        return answer.headers["x-gateway-trace"], took_s

    models = ("sim/hang", "sim/comments-only", "sim/late-12000ms", "sim/slow-12000ms", "sim/comments-12000ms")
    with ThreadPoolExecutor(len(models)) as pool:
        hanging, silent, *healthy = pool.map(trace_and_time_of, models)

    assert hanging[0] == "sim/hang=first_token_timeout,sim/ok=ok"
    assert silent[0] == "sim/comments-only=first_token_timeout,sim/ok=ok"
    assert all(14.9 < took_s < 15 + SLACK_S for _, took_s in (hanging, silent))
    assert [trace for trace, _ in healthy] == [f"{model}=ok" for model in models[2:]]


@pytest.mark.parametrize("patience", ["short", "long"])
def test_the_receipt_says_which_limit_ended_an_attempt(
    gateway: Gateway, journal: Journal, patience: str
) -> None:
    options = {"deadline_ms": 1_600, "patience": patience}

    attempts = post(gateway, question(journal, "sim/hang", "sim/ok", gateway=options)).json()["gateway"][
        "attempts"
    ]

    assert (attempts[0]["limit"], attempts[0]["because"]) == ("attempt", "its share of deadline_ms")
    assert 700 < attempts[0]["limit_ms"] <= 800
    assert "limit" not in attempts[1]


def test_a_pause_of_the_only_model_is_a_429_at_once_also_for_the_next_request(
    gateway: Gateway, journal: Journal
) -> None:
    for code in ("rate_limited", "models_resting"):
        answer = post(gateway, question(journal, PAUSED))
        error = error_in(answer)
        assert (answer.status_code, error["code"]) == (429, code)
        assert 40 < int(answer.headers["retry-after"]) <= 45
        assert error["metadata"]["gateway"]["ms"] < 200 + 1000 * SLACK_S
    assert journal.models() == [PAUSED]


@pytest.mark.parametrize(
    ("models", "options"),
    [
        (("sim/status-404", "sim/status-502"), {}),
        (("sim/hang",), {"deadline_ms": 500}),
        (("sim/retry-after-86", "sim/status-404"), {}),
    ],
    ids=["failures", "a deadline", "a long pause"],
)
def test_the_openai_client_with_its_own_retries_walks_the_chain_once(
    gateway: Gateway, journal: Journal, models: tuple[str, ...], options: dict[str, int]
) -> None:
    began_s = time.monotonic()
    with (
        openai(gateway, max_retries=openai_client.DEFAULT_MAX_RETRIES) as client,
        pytest.raises(openai_client.APIStatusError),
    ):
        client.chat.completions.create(
            model=models[0],
            messages=[{"role": "user", "content": "Hello"}],
            extra_body={
                **({"models": list(models[1:])} if models[1:] else {}),
                "user": journal.user,
                "gateway": {"retries": 0, **options},
            },
        )

    assert time.monotonic() - began_s < 0.5 + SLACK_S
    journal.wait_until(lambda entries: [each["model"] for each in entries] == [*models])
