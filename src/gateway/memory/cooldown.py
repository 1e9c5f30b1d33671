"""One cooldown of a model: until when it must not be called, and who may probe it."""

from math import inf

from gateway.http.frozen import dataclass

# How often one request probes a model during a cooldown that is longer than this. Guests of the scope are
# bound for this time after the cooldown has begun, and not longer.
PROBE_EVERY_S = 60.0
# How soon a request that has no other model to call checks again whether the probe was answered.
LOOK_AGAIN_S = 0.5


@dataclass(slots=True)
class Cooldown:
    """One cooldown. All times are Unix times.

    Attributes:
        until_s: when it ends.
        began_s: when it began. A fault that makes it longer does not change this.
        next_probe_s: when a request may probe the model although the cooldown goes on.
        probed_until_s: until when other requests wait for a probe after the cooldown; 0 without a probe.
    """

    until_s: float
    began_s: float
    next_probe_s: float = inf
    probed_until_s: float = 0.0

    def may_be_probed(self, now_s: float) -> bool:
        """Return whether a call of the model is a probe: the cooldown is over, or another probe is due."""
        return self.until_s <= now_s or self.next_probe_s <= now_s

    def member_ready_at_s(self, now_s: float) -> float:
        """Return when a member of the scope may call the model; ``now_s`` or earlier means now."""
        if self.until_s <= now_s:
            return min(self.probed_until_s, now_s + LOOK_AGAIN_S)
        return now_s if self.next_probe_s <= now_s else self.until_s

    def guest_ready_at_s(self, now_s: float) -> float:
        """Return when a guest of the scope may call the model. It waits for no probe."""
        return now_s if now_s - self.began_s >= PROBE_EVERY_S else self.until_s


def next_probe_s(until_s: float, now_s: float) -> float:
    """Return when a request may probe the model during a cooldown that begins or becomes longer now."""
    return now_s + PROBE_EVERY_S if until_s - now_s > PROBE_EVERY_S else inf
