"""What OpenRouter says of an error reaches the caller: with its real bodies, on every runtime."""

import pytest

from tests.support.chat import cut_off_in, error_in, post, question
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

TOO_LONG = "This model's maximum context length is 32768 tokens. However, you requested 41220 tokens."
CASES = {
    "err-400-invalid-model": ("is not a valid model ID", 400, None),
    "err-400-provider-previous-errors": (TOO_LONG, "context_length_exceeded", "Venice"),
    "err-404-data-policy": ("No endpoints found matching your data policy (Free model training).", 404, None),
    "err-401-user-not-found": ("User not found.", 401, None),
    "err-402-max-tokens": ("can only afford 3395.", 402, None),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_the_caller_reads_what_openrouter_says(
    gateway: Gateway, journal: Journal, name: str, stream: bool
) -> None:
    message, code, provider = CASES[name]
    model = f"sim/{name}"
    seen = len(gateway.log_text()) if gateway.is_ours else 0

    answer = post(gateway, question(journal, model, stream=stream, gateway={"retries": 0, "errors": "all"}))

    error = error_in(answer)
    told, reported = error["message"], error["metadata"]["upstream"]
    assert f"({model})" in told
    assert message in told.partition("The upstream says: ")[2]
    assert message in reported["message"]
    assert (reported["code"], reported["provider"], reported["model"]) == (code, provider, model)
    assert error["metadata"]["errors"][0]["upstream"] == reported
    short = error["metadata"]["gateway"]["attempts"][0]["message"]
    assert reported["message"].startswith(short.removesuffix("…"))
    assert len(short) <= 200
    assert "user_2x" not in answer.text
    assert message not in str(answer.headers)
    if gateway.is_ours:
        assert message not in gateway.log_text()[seen:]


@pytest.mark.parametrize("stream", [False, True])
def test_the_message_names_every_model_with_its_reason(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    with gateway.client() as client:
        assert client.get("/v1/models").status_code == 200  # the isolate has the model list
    unknown = "anthropic/claude-haiku-4-5"
    models = ("sim/status-503", "sim/hang", unknown)

    answer = post(
        gateway, question(journal, *models, stream=stream, gateway={"retries": 0, "attempt_ms": 300})
    )

    parts = error_in(answer)["message"].partition(" The upstream says: ")[0].split("; ")
    assert parts[0] == "No model answered. sim/status-503: its providers are overloaded"
    assert parts[1].startswith("sim/hang: no answer in ")
    assert parts[2].startswith(f"{unknown}: OpenRouter does not know this model")
    if gateway.is_ours:  # another gateway may ask another isolate
        assert parts[2].endswith("(did you mean anthropic/claude-haiku-4.5?).")


def test_a_stream_that_is_cut_off_ends_with_what_the_upstream_says(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, question(journal, "sim/error-mid", stream=True))

    _, error = cut_off_in(answer.content)

    assert error["metadata"]["upstream"]["message"]
    assert error["metadata"]["upstream"]["model"] == "sim/error-mid"
