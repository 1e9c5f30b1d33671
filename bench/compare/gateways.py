"""The gateways: how each is configured for "this model, else that one", started, and called."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench.compare.situations import ATTEMPT_S
from bench.contenders import GUARDED, Contender, Kind, started
from bench.load import KEY
from scripts.dev.leash import Leash
from scripts.dev.ports import free_port
from scripts.dev.servers import wait_ready
from scripts.setup_gateways import PROJECT, VENV
from scripts.tools import node, tool_environment

LITELLM: Kind = "litellm"
PORTKEY: Kind = "portkey"
NAMES: Mapping[Kind, str] = {GUARDED: "openrouter-edge", LITELLM: "LiteLLM", PORTKEY: "Portkey"}
ATTEMPT_MS = int(ATTEMPT_S * 1000)

Question: TypeAlias = tuple[Mapping[str, str], Mapping[str, object]]
"""A caller's request: its headers, and the fields of its body."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway.

    Attributes:
        upstream_key: its key for the upstream, whose log tells the gateways apart by the key.
        question: makes a request from a model, its fallback, and whether to stream.
    """

    contender: Contender
    upstream_key: str
    question: Callable[[str, str, bool], Question]

    @property
    def name(self) -> str:
        """Its name in tables."""
        return NAMES[self.contender.kind]


@contextmanager
def edge(directory: Path, base_url: str) -> Iterator[Gateway]:
    """Start this gateway on the 2024 workerd, as `make bench` does."""
    key = _upstream_key(GUARDED)
    settings = {
        "OPENROUTER_BASE_URL": base_url,
        "OPENROUTER_API_KEY": key,
        "GATEWAY_KEYS": f"compare:{KEY}",
        "RETRIES": "0",
        **dict.fromkeys(("ATTEMPT_MS", "FIRST_TOKEN_MS", "IDLE_MS"), str(ATTEMPT_MS)),
    }
    with started(GUARDED, directory / "edge", settings) as contender:
        yield Gateway(contender, key, lambda first, then, stream: _asked({}, first, stream, models=[then]))


@contextmanager
def litellm(directory: Path, base_url: str, chains: Mapping[str, str]) -> Iterator[Gateway]:
    """Start LiteLLM's proxy. Its configuration file has the models and fallbacks, in JSON, which is YAML."""
    key, port, folder = _upstream_key(LITELLM), free_port(), directory / "litellm"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yaml"
    config.write_text(json.dumps(litellm_config(base_url, key, chains)), encoding="utf-8")
    command: list[str | Path] = [VENV / "bin" / "litellm", "--config", config]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    # In production mode, without fetching anything from the network.
    environ = {
        **os.environ,
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    with Leash(command, log=folder / "litellm.log", cwd=folder, environ=environ) as leash:
        wait_ready(leash, "litellm", line="", url=f"http://127.0.0.1:{port}/health/liveliness")
        contender = Contender(LITELLM, port, _pid(leash))
        yield Gateway(contender, key, lambda first, _then, stream: _asked({}, first, stream))


def litellm_config(base_url: str, key: str, chains: Mapping[str, str]) -> Mapping[str, object]:
    """Return LiteLLM's configuration."""
    models = dict.fromkeys([*chains, *chains.values()])
    where = {"api_base": base_url, "api_key": key, "timeout": ATTEMPT_S, "stream_timeout": ATTEMPT_S}
    return {
        "model_list": [
            {"model_name": model, "litellm_params": {"model": f"openrouter/{model}", **where}}
            for model in models
        ],
        "router_settings": {
            "fallbacks": [{first: [then]} for first, then in chains.items()],
            "num_retries": 0,
            "timeout": ATTEMPT_S,
        },
        "general_settings": {"master_key": KEY},
    }


@contextmanager
def portkey(directory: Path, base_url: str) -> Iterator[Gateway]:
    """Start Portkey's gateway in Node; each request carries its configuration."""
    key, port = _upstream_key(PORTKEY), free_port()
    start = PROJECT / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    command: list[str | Path] = [node(), start, f"--port={port}", "--headless"]
    folder = directory / "portkey"
    folder.mkdir(parents=True, exist_ok=True)
    environ = tool_environment(os.environ) | {"NODE_ENV": "production"}
    with Leash(command, log=folder / "portkey.log", cwd=folder, environ=environ) as leash:
        wait_ready(leash, "portkey", line="", url=f"http://127.0.0.1:{port}/")

        def question(first: str, then: str, stream: bool) -> Question:
            config = json.dumps(portkey_config(base_url, key, (first, then)))
            return _asked({"x-portkey-config": config}, first, stream)

        yield Gateway(Contender(PORTKEY, port, _pid(leash)), key, question)


def portkey_config(base_url: str, key: str, models: tuple[str, ...]) -> Mapping[str, object]:
    """Return Portkey's configuration: without named statuses, it falls back after every error status."""
    where = {"provider": "openrouter", "custom_host": base_url.removesuffix("/v1"), "api_key": key}
    return {
        "strategy": {"mode": "fallback"},
        "request_timeout": ATTEMPT_MS,
        "targets": [{**where, "override_params": {"model": model}} for model in models],
    }


def versions() -> Mapping[str, str]:
    """Return the installed versions of the other gateways."""
    found = next((VENV / "lib").glob("python*/site-packages/litellm-*.dist-info")).name
    package = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))
    return {
        NAMES[LITELLM]: found.removeprefix("litellm-").removesuffix(".dist-info"),
        NAMES[PORTKEY]: package["dependencies"]["@portkey-ai/gateway"],
    }


def _upstream_key(kind: Kind) -> str:
    return f"sk-or-{kind}"


def _asked(headers: Mapping[str, str], first: str, stream: bool, **more: object) -> Question:
    messages = [{"role": "user", "content": "Capital of Australia?"}]
    return headers, {"model": first, **more, "messages": messages, "stream": stream}


def _pid(leash: Leash) -> int:
    [process] = leash.processes()
    return process.pid
