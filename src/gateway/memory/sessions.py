"""Sessions: which model served each session last, and whose answer to it was cut off.

A conversation stays with one model, and does not meet the same cut twice. Plain data, bounded by
``MAX_SESSIONS`` and ``MAX_CUT_OFF``.
"""

from typing import TypeVar

Entry = TypeVar("Entry")

# OpenRouter keeps a session with one provider for the same time. Source: OpenRouter "Prompt Caching".
IDLE_S = 600.0
MAX_SESSIONS = 2_000
# How long a model whose answer was cut off comes last in that session. Claude Code asks again at once, up to
# three times, and gives up if each answer is cut off. Source: Claude Code 2.1, as observed.
CUT_OFF_S = 120.0
MAX_CUT_OFF = 8  # models of one session


class Sessions:
    """Remembers the last model of each session, and the models that were cut off, in this isolate only."""

    def __init__(self) -> None:
        self._served: dict[str, tuple[str, float]] = {}
        self._cut_off: dict[str, dict[str, float]] = {}

    def note(self, session: str, model: str, *, now_s: float) -> None:
        """Remember that the model has served the session."""
        self._served.pop(session, None)  # the session that has been idle longest comes first
        self._served[session] = (model, now_s)
        _trim(self._served, MAX_SESSIONS)
        self._cut_off.get(session, {}).pop(model, None)

    def model_of(self, session: str, *, now_s: float) -> str | None:
        """Return the model that served the session last; None if it was idle for too long."""
        model, at_s = self._served.get(session, (None, 0.0))
        return model if now_s - at_s <= IDLE_S else None

    def note_cut_off(self, session: str, model: str, *, now_s: float) -> None:
        """Remember that the model's answer to the session was cut off."""
        models = self._cut_off.pop(session, {})
        models.pop(model, None)
        models[model] = now_s
        _trim(models, MAX_CUT_OFF)
        self._cut_off[session] = models
        _trim(self._cut_off, MAX_SESSIONS)

    def cut_off_in(self, session: str, *, now_s: float) -> frozenset[str]:
        """Return the models whose answer to the session was cut off a short time ago."""
        models = self._cut_off.get(session, {})
        return frozenset(model for model, at_s in models.items() if now_s - at_s <= CUT_OFF_S)


def _trim(entries: dict[str, Entry], limit: int) -> None:
    """Remove the oldest entry if there are too many."""
    if len(entries) > limit:
        del entries[next(iter(entries))]
