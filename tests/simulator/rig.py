"""Shared code of the simulator's tests: a client for a running simulator, and a strict stream reader."""

import json
import re
import subprocess
import sys
import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).parents[2]
MESSAGES = [{"role": "user", "content": "What is the capital of Australia?"}]
KEY = {"Authorization": "Bearer sk-or-test"}
AUDIO = bytes(range(256)) * 100
# What a request needs at each endpoint beside the model.
NEEDED: dict[str, dict[str, Any]] = {
    "/chat/completions": {"messages": MESSAGES},
    "/messages": {"messages": MESSAGES, "max_tokens": 1000},
    "/responses": {"input": MESSAGES},
    "/completions": {"prompt": "The capital of Australia"},
    "/embeddings": {"input": ["A cat sat on the mat.", "Dogs bark.", "Rain fell."]},
    "/rerank": {"query": "Which animal barks?", "documents": ["A cat.", {"text": "A dog barks."}, "Rain."]},
    "/images": {"prompt": "A cat on a mat"},
    "/audio/speech": {"input": "A cat sat on the mat.", "voice": "alloy"},
    "/audio/transcriptions": {"input_audio": {"data": b64encode(AUDIO).decode(), "format": "wav"}},
}
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Rig:
    url: str
    client: httpx.Client  # shared by all tests: a new client costs more than a request

    @property
    def root(self) -> str:
        return self.url.removesuffix("/api/v1")

    def body(self, model: str, user: str, **more: object) -> dict[str, Any]:
        return {"model": model, "user": user, "messages": MESSAGES, **more}

    def chat(self, model: str, user: str | None = None, /, **more: object) -> httpx.Response:
        body = self.body(model, user or fresh_user(), **more)
        return self.client.post(f"{self.url}/chat/completions", json=body)

    def messages(self, model: str, user: str | None = None, /, **more: object) -> httpx.Response:
        body = {**self.body(model, user or fresh_user()), "max_tokens": 1000, **more}
        return self.client.post(f"{self.url}/messages", json=body)

    def ask(self, path: str, model: str, user: str | None = None, /, **more: object) -> httpx.Response:
        body = {"model": model, "user": user or fresh_user(), **NEEDED[path], **more}
        return self.client.post(self.url + path, json=body)

    def get(self, path: str) -> Any:  # noqa: ANN401  # JSON of any form
        return self.client.get(f"{self.root}{path}").json()

    def log(self, user: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.get(f"/sim/log?user={user}")["entries"]
        return entries

    def one(self, user: str) -> dict[str, Any]:
        (entry,) = self.log(user)
        return entry

    def ended(self, user: str, within_s: float = 1) -> dict[str, Any]:
        return eventually(lambda: next((e for e in self.log(user) if e["outcome"] != "open"), None), within_s)


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], Rig]]:
    command = [sys.executable, "-m", "simulator", "--port", "0", *options]
    with (
        subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process,  # noqa: S603  # our own interpreter and module
        httpx.Client(headers=KEY, timeout=5) as client,
    ):
        try:
            assert process.stdout is not None
            yield process, Rig(process.stdout.readline().split()[-1], client)
        finally:
            process.kill()


def eventually(ask: Callable[[], dict[str, Any] | None], within_s: float) -> dict[str, Any]:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"the condition was not true within {within_s} s")


def fresh_user() -> str:
    return uuid.uuid4().hex


def data_of(text: str) -> list[str]:
    """Return the data of every complete event, by the rules of the specification."""
    events: list[str] = []
    lines: list[str] = []
    for line in _LINE_END.split(text.removeprefix("\ufeff")):
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif line == "" and lines:
            events.append("\n".join(lines))
            lines = []
    return events


def named_events_of(text: str) -> list[dict[str, Any]]:
    """Return the data of every event of a Messages stream; each has its type as its name."""
    events = []
    for block in text.split("\n\n"):
        fields = [line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":")]
        if fields:
            (_, name), (_, data) = fields
            events.append(json.loads(data))
            assert [key for key, _ in fields] == ["event", "data"]
            assert events[-1]["type"] == name
    return events


def chunks_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(data) for data in data_of(text) if data != "[DONE]"]


def content_of(chunks: list[dict[str, Any]]) -> str:
    deltas = [choice["delta"] for chunk in chunks for choice in chunk.get("choices", [])]
    return "".join(delta.get("content") or "" for delta in deltas)
