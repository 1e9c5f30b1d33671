"""A scripted OpenRouter for unit tests: each model plays a list of acts, one for each call."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
import respx

from simulator import form
from tests.support.chunks import DONE, STOP, USAGE, text
from tests.support.samples import sample

BASE_URL = "https://openrouter.ai/api/v1"
URL = f"{BASE_URL}/chat/completions"
PATHS = (
    "/chat/completions",
    "/messages",
    "/responses",
    "/completions",
    "/embeddings",
    "/rerank",
    "/images",
    "/audio/speech",
    "/audio/transcriptions",
)
DIRECT_BASE_URL = "https://direct.example/v1"  # another upstream, which `UPSTREAMS` may declare
WEBHOOK_URL = "https://hooks.example/x"
HANG = 1_000_000_000.0
RESET = httpx.ReadError("reset")

Act: TypeAlias = Callable[[httpx.Request], Awaitable[httpx.Response]]
Step: TypeAlias = bytes | float | Exception  # a piece of the body, a pause in seconds, or the end


class Body(httpx.AsyncByteStream):
    """A response body whose pieces arrive at the times that the script sets."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._steps = steps

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._steps:
            if isinstance(step, bytes):
                yield step
            elif isinstance(step, float):
                await asyncio.sleep(step)
            else:
                raise step


def reply(status: int, *steps: Step, content_type: str = "application/json", **headers: str) -> Act:
    """Return an act: a reply with this status, body and headers (``retry_after`` sets ``retry-after``)."""
    named = {"content-type": content_type} | {name.replace("_", "-"): each for name, each in headers.items()}

    async def act(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers=named, stream=Body(steps))

    return act


def fail(status: int, message: str = "Provider returned error", **headers: str) -> Act:
    """Return an act: an error in OpenRouter's format."""
    return reply(status, json.dumps({"error": {"code": status, "message": message}}).encode(), **headers)


# What OpenRouter says of a key that it accepts; a test gives it to ``Upstream.pages`` under "/key".
accept_key = reply(200, b'{"data": {"label": "sk-or-v1-abc...def", "limit": null, "usage": 0}}')


def answer(content: str = "Hello.", **fields: object) -> Act:
    """Return an act: a plain answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    payload = {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1_795_338_000,
        "model": "served/one",
        "choices": [choice],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "cost": 0.000_021},
        **fields,
    }
    return reply(200, json.dumps(payload).encode())


def stream(*steps: Step) -> Act:
    """Return an act: a stream of these steps."""
    return reply(200, *steps, content_type="text/event-stream")


def healthy_stream(content: str = "Hello.") -> Act:
    """Return an act: a complete stream."""
    return stream(text(content), STOP, USAGE, DONE)


def recorded(name: str) -> Act:
    """Return an act: a recorded sample."""
    found = sample(name)

    async def act(_: httpx.Request) -> httpx.Response:
        return httpx.Response(found.status, headers=found.headers, stream=Body((found.body,)))

    return act


def after(pause_s: float, then: Act) -> Act:
    """Return an act: a pause, then another act."""

    async def act(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(pause_s)
        return await then(request)

    return act


def breaks(error: Exception) -> Act:
    """Return an act: this exception in place of a reply."""

    async def act(_: httpx.Request) -> httpx.Response:
        raise error

    return act


hang = after(HANG, breaks(RESET))
refuse = breaks(httpx.ConnectError("refused"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One call as it reached the upstream."""

    host: str
    path: str
    model: str
    at_s: float
    headers: Mapping[str, str]
    body: dict[str, Any]
    raw: bytes


def _body_of(request: httpx.Request) -> dict[str, Any]:
    if not form.is_form(request.headers):
        return dict(json.loads(request.content))
    parts = form.parts_of(request.content, request.headers["content-type"])
    assert parts is not None  # the gateway sends complete forms
    return dict(form.fields_of([part.as_json() for part in parts]))


@dataclass(slots=True)
class Upstream:
    """The scripts, and the calls that were received or cancelled.

    Attributes:
        scripts: the acts of each model; the last act repeats. A model without a script is healthy.
        received: the calls, in order.
        cancelled: the models whose call was cancelled before its headers had arrived.
        pages: the acts of each path of a GET request; the last act repeats. A path without a script is a 404.
        got: the paths of the GET requests, in order.
        got_with: the keys of the GET requests, in order.
        alerts: the bodies that the webhook received.
    """

    scripts: dict[str, tuple[Act, ...]] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    pages: dict[str, tuple[Act, ...]] = field(default_factory=dict)
    got: list[str] = field(default_factory=list)
    got_with: list[str] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)

    @property
    def models(self) -> list[str]:
        """The models that were called, in order."""
        return [each.model for each in self.received]

    def transport(self) -> httpx.MockTransport:
        """Return the httpx transport that reaches this upstream only."""
        router = respx.MockRouter(assert_all_called=False)
        for base_url in (BASE_URL, DIRECT_BASE_URL):
            for path in PATHS:
                router.post(base_url + path).mock(side_effect=self._play)
        router.post(WEBHOOK_URL).mock(side_effect=self._alert)
        router.get(url__startswith=BASE_URL).mock(side_effect=self._show)
        return httpx.MockTransport(router.async_handler)

    async def _play(self, request: httpx.Request) -> httpx.Response:
        body = _body_of(request)
        model = body["model"]
        at_s = asyncio.get_running_loop().time()
        before = self._calls()[model]
        self.received.append(
            Received(
                host=request.url.host,
                path=request.url.path,
                model=model,
                at_s=at_s,
                headers=dict(request.headers),
                body=body,
                raw=request.content,
            )
        )
        healthy = healthy_stream() if body.get("stream") else answer()
        script = self.scripts.get(model, (healthy,))
        try:
            return await script[min(before, len(script) - 1)](request)
        except asyncio.CancelledError:
            self.cancelled.append(model)
            raise

    async def _alert(self, request: httpx.Request) -> httpx.Response:
        self.alerts.append(request.content)
        return httpx.Response(200)

    async def _show(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/api/v1")
        script = self.pages.get(path, (fail(404),))
        before = self.got.count(path)
        self.got.append(path)
        self.got_with.append(request.headers.get("authorization", "").removeprefix("Bearer "))
        return await script[min(before, len(script) - 1)](request)

    def _calls(self) -> dict[str, int]:
        calls: dict[str, int] = defaultdict(int)
        for each in self.received:
            calls[each.model] += 1
        return calls
