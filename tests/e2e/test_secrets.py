"""Secrets: no key and no part of a prompt appears in a header, a body or a log line."""

import asyncio
import json
from typing import Any

import httpx

from tests.support.chat import CHAT
from tests.support.runtimes import KEY, UPSTREAM_KEY, Gateway

PROMPT = "canary-prompt-5f2a"
FIELD = "canary-field-91bc"
SECRETS = (KEY, UPSTREAM_KEY, PROMPT, FIELD, "user_2x")  # the last one: the OpenRouter account's id
FAULTS = (
    *("status-400", "status-401", "status-402", "status-403", "status-404", "status-413", "status-502"),
    *("err-400-zod-validation", "err-403-moderation", "err-403-cloudflare-edge", "err-400-invalid-model"),
    *("soft-01-200-error-only", "soft-02-200-choice-error-partial", "sse-04-error-is-first-event"),
    *("html", "garbage", "cut-json", "error-string", "choice-error", "error-mid", "error-mid-string"),
    *("garbage-event", "cut-after", "reset", "reset-after", "redirect", "empty", "ok", "tools", "reasoning"),
)
BAD: tuple[Any, ...] = (
    [PROMPT],
    {PROMPT: FIELD},
    {"messages": PROMPT},
    {"messages": [PROMPT]},
    {"messages": [{"role": {"is": PROMPT}}]},
    {"messages": [{"role": "user", "content": PROMPT}], "model": f"{FIELD} {PROMPT}"},
    {"messages": [{"role": "user", "content": PROMPT}], "temperature": FIELD},
    {"messages": [{"role": "user", "content": PROMPT}], "gateway": {f"{FIELD} ?": 1}},
    {"messages": [{"role": "user", "content": PROMPT}], "gateway": {"errors": FIELD}},
)


def test_no_secret_appears_in_responses_or_logs(gateway: Gateway, simulator: str) -> None:
    answers = asyncio.run(_answers(gateway))
    assert len(answers) > 60
    for what, answer in answers.items():
        shown = [*answer.headers.values(), answer.text]
        assert not [secret for secret in SECRETS if any(secret in each for each in shown)], what
    log = gateway.log_text()
    assert "attempt_failed" in log
    assert not [secret for secret in SECRETS if secret in log]
    assert "Traceback" not in log


async def _answers(gateway: Gateway) -> dict[str, httpx.Response]:
    limit = asyncio.Semaphore(6)
    async with gateway.async_client() as client:

        async def answer_to(what: str, content: bytes) -> tuple[str, httpx.Response]:
            async with limit:
                return what, await client.post(CHAT, content=content, headers={"x-note": FIELD})

        requests = [answer_to(what, content) for what, content in _requests()]
        return dict(await asyncio.gather(*requests))


def _requests() -> list[tuple[str, bytes]]:
    chats = [
        (
            f"{model}, {'stream' if stream else 'plain'}",
            {
                "model": f"sim/{model}",
                "messages": [{"role": "user", "content": PROMPT}],
                "user": PROMPT,
                "stream": stream,
                "metadata": {"note": FIELD},
                "gateway": {"retries": 0, "errors": "all"},
            },
        )
        for model in FAULTS
        for stream in (False, True)
    ]
    bad = [(f"bad input {number}", body) for number, body in enumerate(BAD)]
    complete = [(what, json.dumps(body).encode()) for what, body in [*chats, *bad]]
    return [*complete, ("cut JSON", f'{{"messages": "{PROMPT}'.encode())]
