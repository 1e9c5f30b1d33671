"""Completions over HTTP: plain, streamed, from the next model, and cut off."""

import httpx
import pytest

from tests.support.chat import OK_TEXT, attempts_in, check_error
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway
from tests.support.speech import COMPLETIONS

PATH = "/v1/completions"
PROMPT = "What is the capital of Australia?"


def complete(
    ours: Gateway, journal: Journal, *models: str, path: str = PATH, **fields: object
) -> httpx.Response:
    """Return the response to a request for a completion."""
    body = {"prompt": PROMPT, "models": [*models], "user": journal.user, **fields}
    with ours.client() as client:
        return client.post(path, json=body)


@pytest.mark.parametrize("path", [PATH, f"/api{PATH}"])
def test_the_next_model_completes_the_prompt(gateway: Gateway, journal: Journal, path: str) -> None:
    answer = complete(gateway, journal, "sim/status-503", "sim/ok", path=path)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["object"], COMPLETIONS.text_in(body)) == ("text_completion", OK_TEXT)
    assert attempts_in(body["gateway"]) == [("sim/status-503", "overloaded"), ("sim/ok", "answered")]


def test_a_stream_begins_with_the_model_that_has_a_text(gateway: Gateway, journal: Journal) -> None:
    payloads = payloads_in(complete(gateway, journal, "sim/empty", "sim/ok", stream=True).content)

    assert COMPLETIONS.texts_in(payloads) == OK_TEXT
    assert COMPLETIONS.is_complete(payloads)
    assert payloads[-2]["gateway"]["served"] == "sim/ok"


def test_a_text_that_is_cut_off_ends_in_one_error(gateway: Gateway, journal: Journal) -> None:
    payloads = payloads_in(complete(gateway, journal, "sim/cut-after", "sim/ok", stream=True).content)

    assert OK_TEXT.startswith(COMPLETIONS.texts_in(payloads))
    assert "[DONE]" not in payloads
    check_error(payloads[-1]["error"])


def test_a_text_that_is_cut_off_is_continued_by_a_longer_prompt(gateway: Gateway, journal: Journal) -> None:
    answer = complete(
        gateway, journal, "sim/cut-after", "sim/ok", stream=True, gateway={"on_midstream": "continue"}
    )
    payloads = payloads_in(answer.content)

    assert COMPLETIONS.texts_in(payloads) == OK_TEXT
    second = journal.entries()[1]["body"]["prompt"]
    assert second.startswith(PROMPT)
    assert OK_TEXT.startswith(second.removeprefix(PROMPT))


def test_a_chat_without_a_prompt_is_told_where_it_goes(gateway: Gateway, journal: Journal) -> None:
    answer = complete(gateway, journal, "sim/ok", prompt=None, messages=[{"role": "user", "content": "Hi"}])

    error = answer.json()["error"]
    check_error(error)
    assert (answer.status_code, error["param"]) == (400, "prompt")
    assert "/v1/chat/completions" in error["message"]
