"""Rests: what asked to be left alone, and until when. One per isolate; plain data, bounded."""

from dataclasses import replace

from gateway.frozen import dataclass
from gateway.policy import Fault, Scope, pause_s
from gateway.upstreams import DIRECT

FREE_MODELS = ":free"
MAX_RESTS = 500
# How long one request may probe what has rested before another may try too.
PROBE_S = 30.0
# How soon those that have nothing else to ask look whether the probe has been answered.
LOOK_AGAIN_S = 0.5


@dataclass(slots=True)
class _Rest:
    until_s: float
    probed_until_s: float = 0.0


class Rests:
    """Remembers pauses by model, and one for all ``:free`` models together.

    When a rest is over one request probes: until it is answered, or ``PROBE_S`` has passed, the others
    still leave the model alone, so that a model that is back is not met by all of them at once.
    """

    def __init__(self) -> None:
        self._rests: dict[str, _Rest] = {}

    def copy(self) -> "Rests":
        """Return what is remembered now, to be changed without consequences."""
        copied = Rests()
        copied._rests = {key: replace(rest) for key, rest in self._rests.items()}
        return copied

    def note(self, model: str, fault: Fault, *, now_s: float) -> None:
        """Remember the pause that a fault asks for; a fault that asks for none ends a probe."""
        wait_s = pause_s(fault, now_s=now_s)
        key = FREE_MODELS if fault.rule.scope is Scope.FREE_MODELS else model
        if wait_s is None:
            self._end_probe(model, now_s)
        elif fault.rule.scope is not Scope.ACCOUNT:
            self._make_room(now_s)
            self._rests[key] = _Rest(until_s=now_s + wait_s)

    def answered(self, model: str) -> None:
        """Forget the model's rest: it is awake."""
        for key in _keys_of(model):
            self._rests.pop(key, None)

    def ready_at_s(self, model: str, *, now_s: float) -> float:
        """Return when the model may be tried; ``now_s`` or earlier means now. Does not begin a probe."""
        if not self._rests:
            return now_s
        return max((_ready_at_s(self._rests.get(key), now_s) for key in _keys_of(model)), default=now_s)

    def probe(self, model: str, *, now_s: float) -> None:
        """Begin a probe of a model whose rest is over."""
        for key in _keys_of(model):
            if key in self._rests:
                self._rests[key].probed_until_s = now_s + PROBE_S

    def release(self, model: str, *, now_s: float) -> None:
        """End a probe that came to no answer and no fault: the next request may begin another."""
        for key in _keys_of(model):
            if key in self._rests:
                self._rests[key].probed_until_s = now_s

    def _end_probe(self, model: str, now_s: float) -> None:
        for each in _keys_of(model):
            if each in self._rests and self._rests[each].until_s <= now_s:  # a late failure ends no rest
                del self._rests[each]

    def _make_room(self, now_s: float) -> None:
        if len(self._rests) < MAX_RESTS:
            return
        self._rests = {key: rest for key, rest in self._rests.items() if rest.until_s > now_s}
        if len(self._rests) >= MAX_RESTS:
            del self._rests[min(self._rests, key=lambda key: self._rests[key].until_s)]


def _keys_of(model: str) -> tuple[str, ...]:
    is_free = model.endswith(FREE_MODELS) and not model.startswith(DIRECT)
    return (model, FREE_MODELS) if is_free else (model,)


def _ready_at_s(rest: _Rest | None, now_s: float) -> float:
    if rest is None:
        return 0.0
    return rest.until_s if rest.until_s > now_s else min(rest.probed_until_s, now_s + LOOK_AGAIN_S)
