"""Rests: what asked to be left alone, and until when. One per isolate; plain data, bounded."""

from dataclasses import replace

from gateway.faults.fault import Fault, pause_s
from gateway.faults.policy import Scope
from gateway.http.frozen import dataclass
from gateway.settings.upstreams import DIRECT

FREE_MODELS = ":free"
MAX_COOLDOWNS = 500
# How long one request may probe what has rested before another may try too.
PROBE_S = 30.0
# How soon those that have nothing else to ask look whether the probe has been answered.
LOOK_AGAIN_S = 0.5


@dataclass(slots=True)
class _Cooldown:
    """Until when it lasts; and, where it was over and a request has probed, until when others wait."""

    until_s: float
    probed_until_s: float = 0.0


class Cooldowns:
    """Remembers pauses by model, and one for all ``:free`` models together.

    When a rest is over one request probes: until it is answered, or ``PROBE_S`` has passed, the others
    still leave the model alone, so that a model that is back is not met by all of them at once.
    """

    def __init__(self) -> None:
        self._rests: dict[str, _Cooldown] = {}

    def copy(self) -> "Cooldowns":
        """Return what is remembered now, to be changed without consequences."""
        copied = Cooldowns()
        copied._rests = {key: replace(rest) for key, rest in self._rests.items()}
        return copied

    def note(self, model: str, fault: Fault, *, now_s: float) -> None:
        """Remember the pause that a fault asks for, where none lasts longer; any fault ends a probe."""
        self._end_probe(model, now_s)
        wait_s = pause_s(fault, now_s=now_s)
        if wait_s is None:
            return
        for key in _keys_for(model, fault.rule.scope):
            self._make_room(now_s)
            before = self._rests.get(key)
            # Calls that were under way together come back in any order: a late word shortens nothing.
            self._rests[key] = _Cooldown(until_s=max(now_s + wait_s, before.until_s if before else 0.0))

    def answered(self, model: str) -> None:
        """Forget the model's rest if that was being probed: it is awake.

        An answer to a call from before the pause says nothing of it.
        """
        for key in _keys_of(model):
            if key in self._rests and self._rests[key].probed_until_s:
                del self._rests[key]

    def ready_at_s(self, model: str, *, now_s: float) -> float:
        """Return when the model may be tried; ``now_s`` or earlier means now. Does not begin a probe."""
        if not self._rests:
            return now_s
        return max((_ready_at_s(self._rests.get(key), now_s) for key in _keys_of(model)), default=now_s)

    def probe(self, model: str, *, now_s: float) -> None:
        """Begin a probe of a model whose rest is over."""
        for key in self._over(model, now_s):
            self._rests[key].probed_until_s = now_s + PROBE_S

    def release(self, model: str, *, now_s: float) -> None:
        """End a probe that came to no answer and no fault: the next request may begin another."""
        for key in self._over(model, now_s):
            self._rests[key].probed_until_s = now_s

    def _end_probe(self, model: str, now_s: float) -> None:
        for key in self._over(model, now_s):  # a late failure ends no rest
            del self._rests[key]

    def _over(self, model: str, now_s: float) -> list[str]:
        """Return by which keys the model has rested, and does no more."""
        return [key for key in _keys_of(model) if key in self._rests and self._rests[key].until_s <= now_s]

    def _make_room(self, now_s: float) -> None:
        if len(self._rests) < MAX_COOLDOWNS:
            return
        self._rests = {key: rest for key, rest in self._rests.items() if rest.until_s > now_s}
        if len(self._rests) >= MAX_COOLDOWNS:
            del self._rests[min(self._rests, key=lambda key: self._rests[key].until_s)]


def _keys_for(model: str, scope: Scope) -> tuple[str, ...]:
    """Return the keys of what rests: nothing where it is the account's matter.

    A router or a preset that meets the limit of free models has no name that says so, and rests by its own.
    """
    if scope is Scope.ACCOUNT:
        return ()
    by = _keys_of(model)
    return (model,) if scope is Scope.MODEL else (FREE_MODELS,) if FREE_MODELS in by else (FREE_MODELS, model)


def _keys_of(model: str) -> tuple[str, ...]:
    is_free = model.endswith(FREE_MODELS) and not model.startswith(DIRECT)
    return (model, FREE_MODELS) if is_free else (model,)


def _ready_at_s(rest: _Cooldown | None, now_s: float) -> float:
    if rest is None:
        return 0.0
    return rest.until_s if rest.until_s > now_s else min(rest.probed_until_s, now_s + LOOK_AGAIN_S)
