"""Chat requests over plain HTTP, and checks of the form of errors and receipts."""

from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx
import httpx2  # the openai client's own
from openai import OpenAI

from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway
from tests.support.tls import tls

Body: TypeAlias = dict[str, Any]

CHAT = "/v1/chat/completions"
OK_TEXT = "Canberra is the capital of Australia."
QUESTION = [{"role": "user", "content": "What is the capital of Australia?"}]
# How much the scheduling of a busy machine may add to a time limit.
SLACK_S = 1.5


def question(journal: Journal, *models: str, **fields: Any) -> Body:  # noqa: ANN401  # JSON of any kind
    """Return a chat request to a chain of models; without models, to the gateway's default chain."""
    body: Body = {"messages": QUESTION, "user": journal.user, **fields}
    if models:
        body["model"] = models[0]
    if models[1:]:
        body["models"] = list(models[1:])
    return body


def post(gateway: Gateway, body: Body, **headers: str) -> httpx.Response:
    """Return the complete response to a chat request."""
    with gateway.client() as client:
        return client.post(CHAT, json=body, headers=headers)


def openai(gateway: Gateway, *, path: str = "/v1", max_retries: int = 0) -> OpenAI:
    """Return an unmodified ``openai`` client with the gateway's base URL."""
    http = httpx2.Client(trust_env=False, verify=tls())
    return OpenAI(
        base_url=gateway.base_url + path, api_key=gateway.key, max_retries=max_retries, http_client=http
    )


def error_in(answer: httpx.Response) -> dict[str, Any]:
    """Return the error of a response; fail if the response is not an error in the gateway's format."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    body = answer.json()
    assert set(body) == {"error"}, body
    error: dict[str, Any] = body["error"]
    check_error(error)
    return error


def check_error(error: dict[str, Any]) -> None:
    """Fail unless an error object is in the gateway's format."""
    assert set(error) == {"message", "type", "param", "code", "metadata"}
    assert error["metadata"]["source"] in {"client", "gateway", "openrouter", "provider"}
    assert {"retryable", "retry_after_s"} <= set(error["metadata"])
    assert error["message"]
    assert "Traceback" not in error["message"]


def cut_off_in(raw: bytes) -> tuple[str, dict[str, Any]]:
    """Return the text and the error of a streamed body that was cut off; fail if no error event ends it."""
    payloads = payloads_in(raw)
    assert "[DONE]" not in payloads
    assert all("error" not in each for each in payloads[:-1])
    error: dict[str, Any] = payloads[-1]["error"]
    check_error(error)
    return said_in(payloads), error


def said_in(payloads: list[Any]) -> str:
    """Return the text of a stream's payloads."""
    choices = [choice for each in payloads if each != "[DONE]" for choice in each.get("choices", [])]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def attempts_in(receipt: dict[str, Any]) -> list[tuple[str, str]]:
    """Return for each attempt its model, and its error code; its outcome if it has no code."""
    return [(each["model"], each["code"] or each["outcome"]) for each in receipt["attempts"]]


def complete_log(simulator_url: str) -> list[dict[str, Any]]:
    """Return every entry of the simulator's journal, from all tests."""
    parts = urlsplit(simulator_url)
    answer = httpx.get(f"{parts.scheme}://{parts.netloc}/sim/log", trust_env=False, verify=tls())
    entries: list[dict[str, Any]] = answer.json()["entries"]
    return entries
