"""Example chat requests for the OpenAPI document. A test sends each of them."""

from gateway.http.json_values import JsonObject

EXAMPLES: JsonObject = {
    "plain": {
        "summary": "One model",
        "value": {
            "model": "openai/gpt-5.4-mini",
            "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
        },
    },
    "chain": {
        "summary": "A chain: if a model fails, the next one answers",
        "value": {
            "models": ["anthropic/claude-haiku-4.5", "openai/gpt-5.4-mini"],
            "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
            "gateway": {"deadline_ms": 30000, "errors": "all"},
        },
    },
    "task": {
        "summary": "A task: the gateway has a chain of models for it",
        "value": {
            "model": "task/code",
            "messages": [{"role": "user", "content": "Reverse a string in Python."}],
            "gateway": {"order": "cheapest"},
        },
    },
    "stream": {
        "summary": "A stream that starts over with the next model if it is cut off",
        "value": {
            "models": ["anthropic/claude-haiku-4.5", "openai/gpt-5.4-mini"],
            "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
            "stream": True,
            "gateway": {"on_midstream": "restart", "first_token_ms": 10000},
        },
    },
}
