"""Sends a chat request with the ``openai`` client, and returns the answer or the error as an ``Outcome``."""

import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx2  # the openai client's own
from openai import APIError, APIStatusError, AsyncOpenAI

Said: TypeAlias = dict[str, Any]

PARTS = ("content", "reasoning", "refusal", "tool_calls", "images")
_TAPPED: ContextVar[bytearray] = ContextVar("tapped")


@dataclass
class Outcome:
    """What a client has received after its request.

    Attributes:
        said: the non-empty parts of the answer, and its finish reason; of a cut-off stream, what arrived.
        receipt: the gateway's receipt, from the answer, the stream or the error.
        error: the error object; None for a complete answer.
        status: the response's HTTP status.
        raw: the bytes of the body.
    """

    said: Said = field(default_factory=dict)
    receipt: Any = None
    error: Any = None
    status: int | None = None
    headers: httpx2.Headers = field(default_factory=httpx2.Headers)
    raw: bytes = b""
    ms: int = 0


def openai_client(base_url: str, key: str, *, max_retries: int = 0) -> AsyncOpenAI:
    """Return a client, which its caller must close. It records the bytes of each body for ``ask``."""
    # 127.0.0.1 is this machine: use no proxy, even if the environment names one.
    http = httpx2.AsyncClient(transport=_Tap(), timeout=60.0)
    return AsyncOpenAI(base_url=base_url, api_key=key, max_retries=max_retries, http_client=http)


async def ask(client: AsyncOpenAI, body: dict[str, Any]) -> Outcome:
    """Send a request with exactly this body; return the outcome. Errors of the client are in the outcome."""
    tapped = bytearray()
    _TAPPED.set(tapped)
    outcome = Outcome()
    began_s = time.monotonic()
    named = {name: body[name] for name in ("model", "messages", "stream") if name in body}
    others = {name: value for name, value in body.items() if name not in named}
    try:
        answer = await client.chat.completions.with_raw_response.create(**named, extra_body=others)
        outcome.status, outcome.headers = answer.http_response.status_code, answer.http_response.headers
        if body.get("stream"):
            await _follow(answer.parse(), outcome)
        else:
            completion = answer.parse().model_dump()
            outcome.receipt = completion.get("gateway")
            _add(outcome.said, completion["choices"][0]["message"])
            outcome.said["finish_reason"] = completion["choices"][0]["finish_reason"]
    except APIStatusError as error:
        outcome.status, outcome.headers, outcome.error = (
            error.status_code,
            error.response.headers,
            error.body or str(error),
        )
    except APIError as error:
        outcome.error = error.body or repr(error)
    except (httpx2.HTTPError, ValueError, TypeError) as error:
        outcome.error = repr(error)
    if isinstance(outcome.error, dict):
        outcome.receipt = outcome.error.get("metadata", {}).get("gateway")
    outcome.ms = round((time.monotonic() - began_s) * 1000)
    outcome.raw = bytes(tapped)
    return outcome


async def _follow(stream: AsyncIterator[Any], outcome: Outcome) -> None:
    async for parsed in stream:
        chunk = parsed.model_dump()
        outcome.receipt = chunk.get("gateway") or outcome.receipt
        for choice in chunk["choices"]:
            _add(outcome.said, choice["delta"] or {})
            if choice["finish_reason"]:
                outcome.said["finish_reason"] = choice["finish_reason"]


def _add(said: Said, message: dict[str, Any]) -> None:
    """Add a message or a delta to ``said``; of tool calls, their names and arguments."""
    for name in PARTS:
        value = message.get(name)
        if name == "tool_calls":
            functions = [call["function"] or {} for call in value or []]
            value = "".join(f"{each.get('name') or ''}{each.get('arguments') or ''}" for each in functions)
        if value:
            said[name] = said[name] + value if name in said else value


class _Tap(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _TappedStream(response.stream)
        return response


class _TappedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            _TAPPED.get().extend(piece)
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
