"""Sessions: which model served each session last, so that a conversation stays with one model.

Plain data, bounded by ``MAX_SESSIONS``.
"""

# OpenRouter keeps a session with one provider for the same time. Source: OpenRouter "Prompt Caching".
IDLE_S = 600.0
MAX_SESSIONS = 2_000


class Sessions:
    """Remembers the last model of each session, in this isolate only."""

    def __init__(self) -> None:
        self._served: dict[str, tuple[str, float]] = {}

    def note(self, session: str, model: str, *, now_s: float) -> None:
        """Remember that the model has served the session."""
        self._served.pop(session, None)  # the session that has been idle longest comes first
        self._served[session] = (model, now_s)
        if len(self._served) > MAX_SESSIONS:
            del self._served[next(iter(self._served))]

    def model_of(self, session: str, *, now_s: float) -> str | None:
        """Return the model that served the session last; None if it was idle for too long."""
        model, at_s = self._served.get(session, (None, 0.0))
        return model if now_s - at_s <= IDLE_S else None
