"""Which model served a session last: what keeps a conversation with one model. Plain data, bounded."""

# As long as OpenRouter itself keeps a session with one provider. Source: OpenRouter "Prompt Caching".
IDLE_S = 600.0
MAX_SESSIONS = 2_000


class Sessions:
    """Remembers models by session; each isolate has its own."""

    def __init__(self) -> None:
        self._served: dict[str, tuple[str, float]] = {}

    def note(self, session: str, model: str, *, now_s: float) -> None:
        """Remember that the model has served the session."""
        self._served.pop(session, None)  # so that the one that has been idle longest comes first
        self._served[session] = (model, now_s)
        if len(self._served) > MAX_SESSIONS:
            del self._served[next(iter(self._served))]

    def model_of(self, session: str, *, now_s: float) -> str | None:
        """Return the model that served the session, if it has not been idle for too long."""
        model, at_s = self._served.get(session, (None, 0.0))
        return model if now_s - at_s <= IDLE_S else None
