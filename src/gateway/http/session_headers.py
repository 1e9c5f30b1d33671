"""The headers in which clients and agents name their session."""

# In order of precedence. OpenRouter's own header comes first, then those that agents send by themselves.
# Source: OpenRouter "Prompt Caching" (x-session-id); Claude Code 2.1 (x-claude-code-session-id) and Codex CLI
# 0.171 (session-id, earlier session_id, and thread-id), as observed.
SESSION_HEADERS = ("x-session-id", "x-claude-code-session-id", "session-id", "session_id", "thread-id")
