"""Cooldowns: which models must not be called for now, and until when.

One set per isolate. It is plain data, and bounded by ``MAX_COOLDOWNS``.
"""

from dataclasses import replace

from gateway.faults.fault import Fault, pause_s
from gateway.faults.policy import Scope
from gateway.http.frozen import dataclass
from gateway.settings.upstreams import DIRECT

FREE_MODELS = ":free"
MAX_COOLDOWNS = 500
# How long one request may probe a model after its cooldown before another request may probe it too.
PROBE_S = 30.0
# How soon a request that has no other model to call checks again whether the probe was answered.
LOOK_AGAIN_S = 0.5


@dataclass(slots=True)
class _Cooldown:
    """One cooldown.

    Attributes:
        until_s: when it ends, in Unix time.
        probed_until_s: until when other requests wait for a probe that began after the cooldown, in Unix
            time; 0 if there was no probe.
    """

    until_s: float
    probed_until_s: float = 0.0


class Cooldowns:
    """Remembers one cooldown for each model, and one for all ``:free`` models together.

    After a cooldown one request probes the model. The other requests do not call the model until the probe
    has an answer or a fault, or ``PROBE_S`` have passed. Otherwise all of them would call a model that has
    just recovered at the same moment.
    """

    def __init__(self) -> None:
        self._cooldowns: dict[str, _Cooldown] = {}

    def copy(self) -> "Cooldowns":
        """Return an independent copy: a change to it does not change this one."""
        copied = Cooldowns()
        copied._cooldowns = {key: replace(cooldown) for key, cooldown in self._cooldowns.items()}
        return copied

    def note(self, model: str, fault: Fault, *, now_s: float) -> None:
        """Begin the cooldown that a fault asks for, unless a running one lasts longer.

        Any fault ends the model's probe.
        """
        self._end_probe(model, now_s)
        wait_s = pause_s(fault, now_s=now_s)
        if wait_s is None:
            return
        for key in _keys_for(model, fault.rule.scope):
            self._make_room(now_s)
            before = self._cooldowns.get(key)
            # Calls that are in flight together may fail in any order: a later fault shortens no cooldown.
            self._cooldowns[key] = _Cooldown(until_s=max(now_s + wait_s, before.until_s if before else 0.0))

    def answered(self, model: str) -> None:
        """End the model's cooldown if it was probed: the model is back.

        Without a probe the cooldown stays: the answer belongs to a call from before the cooldown.
        """
        for key in _keys_of(model):
            if key in self._cooldowns and self._cooldowns[key].probed_until_s:
                del self._cooldowns[key]

    def ready_at_s(self, model: str, *, now_s: float) -> float:
        """Return when the model may be called; ``now_s`` or earlier means now. Does not begin a probe."""
        if not self._cooldowns:
            return now_s
        return max((_ready_at_s(self._cooldowns.get(key), now_s) for key in _keys_of(model)), default=now_s)

    def probe(self, model: str, *, now_s: float) -> None:
        """Begin a probe, if the model had a cooldown and it is over."""
        for key in self._over(model, now_s):
            self._cooldowns[key].probed_until_s = now_s + PROBE_S

    def release(self, model: str, *, now_s: float) -> None:
        """End a probe that had no answer and no fault: the next request may begin another."""
        for key in self._over(model, now_s):
            self._cooldowns[key].probed_until_s = now_s

    def _end_probe(self, model: str, now_s: float) -> None:
        for key in self._over(model, now_s):  # a running cooldown stays: the fault may be of an earlier call
            del self._cooldowns[key]

    def _over(self, model: str, now_s: float) -> list[str]:
        """Return the keys of the model's cooldowns that are over."""
        return [
            key for key in _keys_of(model) if key in self._cooldowns and self._cooldowns[key].until_s <= now_s
        ]

    def _make_room(self, now_s: float) -> None:
        if len(self._cooldowns) < MAX_COOLDOWNS:
            return
        self._cooldowns = {
            key: cooldown for key, cooldown in self._cooldowns.items() if cooldown.until_s > now_s
        }
        if len(self._cooldowns) >= MAX_COOLDOWNS:
            del self._cooldowns[min(self._cooldowns, key=lambda key: self._cooldowns[key].until_s)]


def _keys_for(model: str, scope: Scope) -> tuple[str, ...]:
    """Return the keys that a fault of this scope puts into cooldown; none if it concerns the account.

    A router or a preset can meet the limit of free models although its name does not end in ``:free``.
    It then gets a cooldown under its own name as well.
    """
    if scope is Scope.ACCOUNT:
        return ()
    keys = _keys_of(model)
    return (
        (model,) if scope is Scope.MODEL else (FREE_MODELS,) if FREE_MODELS in keys else (FREE_MODELS, model)
    )


def _keys_of(model: str) -> tuple[str, ...]:
    """Return the keys of all cooldowns that apply to a model."""
    is_free = model.endswith(FREE_MODELS) and not model.startswith(DIRECT)
    return (model, FREE_MODELS) if is_free else (model,)


def _ready_at_s(noted: _Cooldown | None, now_s: float) -> float:
    if noted is None:
        return 0.0
    return noted.until_s if noted.until_s > now_s else min(noted.probed_until_s, now_s + LOOK_AGAIN_S)
