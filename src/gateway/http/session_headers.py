"""The headers in which clients and agents name their session, and say what a request is for."""

from collections.abc import Mapping
from types import MappingProxyType

# In order of precedence. OpenRouter's own header comes first, then those that agents send by themselves.
# Source: OpenRouter "Prompt Caching" (x-session-id); Claude Code 2.1 (x-claude-code-session-id) and Codex CLI
# 0.171 (session-id, earlier session_id, and thread-id), as observed.
SESSION_HEADERS = ("x-session-id", "x-claude-code-session-id", "session-id", "session_id", "thread-id")
# What an agent says that a request is for, by the field of a condition that compares it.
# Source: Claude Code 2.1 with CLAUDE_CODE_GATEWAY_HINT_HEADERS=1, as observed.
AGENT_HEADERS: Mapping[str, str] = MappingProxyType(
    {"request_class": "x-claude-code-request-class", "agent_type": "x-claude-code-agent-type"}
)
