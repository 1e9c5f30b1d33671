"""Every field that OpenRouter documents for a chat request goes upstream unchanged."""

import json

from gateway.dialects.chat.parse import parse
from gateway.http.json_values import Json, JsonObject

# Source: OpenRouter API reference and SDK, "ModelRequest", and the fields that only its guides mention.
DOCUMENTED: JsonObject = {
    "cache_control": {"type": "ephemeral"},
    "debug": {"echo_upstream_body": True},
    "deferred_tools": [],
    "frequency_penalty": 0.5,
    "image_config": {"aspect_ratio": "1:1"},
    "include_reasoning": True,
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "max_completion_tokens": 100,
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
    "metadata": {"run": "1"},
    "min_p": 0.05,
    "modalities": ["text", "image"],
    "n": 1,
    "parallel_tool_calls": False,
    "plugins": [{"id": "web"}],
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": -0.5,
    "preset": "mine",
    "prompt_cache_key": "key",
    "prompt_cache_options": {},
    "provider": {"order": ["anthropic"], "allow_fallbacks": False},
    "reasoning": {"effort": "low"},
    "reasoning_effort": "low",
    "repetition_penalty": 1.1,
    "response_format": {"type": "json_object"},
    "route": "fallback",
    "seed": 12_345_678_901_234_567,
    "service_tier": "flex",
    "session_id": "s1",
    "stop": ["\n"],
    "stop_server_tools_when": {"max_cost": 1},
    "stream": True,
    "stream_options": {"include_usage": True},
    "structured_outputs": True,
    "temperature": 0.7,
    "tool_choice": "auto",
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "top_a": 0.1,
    "top_k": 40,
    "top_logprobs": 3,
    "top_p": 0.9,
    "trace": {"id": "t"},
    "transforms": ["middle-out"],
    "usage": {"include": True},
    "user": "u1",
    "verbosity": "low",
    "web_search_options": {"search_context_size": "low"},
}


def test_every_documented_field_goes_upstream_unchanged() -> None:
    sent = {**DOCUMENTED, "model": "a/one", "models": ["b/two"], "gateway": {"retries": 0}}

    upstream: Json = json.loads(b"{" + parse(json.dumps(sent).encode()).fields.text + b"}")

    assert upstream == DOCUMENTED
