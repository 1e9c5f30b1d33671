"""Cooldowns: which models must not be called for now, until when, and for whom.

One set per isolate. It is plain data, and bounded: ``MAX_COOLDOWNS`` that apply to all callers, and as many
that apply to one caller, of which each caller has at most ``MAX_OF_ONE``.

A **scope** says for whom a cooldown applies: for all callers, or for one caller, under the preferences in its
request that choose among a model's endpoints. What these endpoints answer says nothing about the others. A
request is a **member** of the scope in which it notes faults. With preferences it is also a **guest** of the
scope without them.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeAlias

from gateway.faults.fault import Fault, pause_s
from gateway.faults.policy import Scope
from gateway.memory.cooldown import PROBE_EVERY_S, Cooldown, next_probe_s
from gateway.settings.upstreams import DIRECT

FREE_MODELS = ":free"
MAX_COOLDOWNS = 500
MAX_OF_ONE = 50
# How long one request may probe a model after its cooldown before another request may probe it too.
PROBE_S = 30.0

# Whose cooldown it is, and a digest of the preferences under which it was met. Either may be empty: nobody's
# own, and no preferences.
CooldownScope: TypeAlias = tuple[str, str]
SHARED: CooldownScope = ("", "")
_Place: TypeAlias = tuple[CooldownScope, str]  # a scope, and a model or FREE_MODELS


class Cooldowns:
    """Remembers one cooldown for each model, and one for all ``:free`` models together, in each scope.

    One request probes the model after a cooldown, and once in ``PROBE_EVERY_S`` during a longer one. A probe
    that is answered ends the cooldown. After a cooldown the other requests do not call the model until the
    probe has an answer or a fault, or ``PROBE_S`` have passed. Otherwise all of them would call a model that
    has just recovered at the same moment.
    """

    def __init__(self, base: CooldownScope = SHARED) -> None:
        self._noted: dict[_Place, Cooldown] = {}
        self._base = base
        self._narrowed: Mapping[str, CooldownScope] = {}
        self._probing: dict[_Place, Cooldown] = {}  # what this request probes

    def of_request(self, base: CooldownScope, narrowed: Mapping[str, CooldownScope]) -> "Cooldowns":
        """Return the same cooldowns as one request sees and changes them.

        Args:
            base: the scope of the request's account.
            narrowed: by model, the scope of the preferences under which the request calls it; a model that it
                calls without preferences is left out.
        """
        view = Cooldowns(base)
        view._noted, view._narrowed = self._noted, narrowed
        return view

    def copy(self) -> "Cooldowns":
        """Return an independent copy: a change to it does not change this one."""
        copied = Cooldowns(self._base)
        copied._noted = {place: replace(cooldown) for place, cooldown in self._noted.items()}
        copied._narrowed = self._narrowed
        return copied

    def of_all_callers(self) -> list[tuple[str, str, float, float, float]]:
        """Return the cooldowns for all callers: preferences, model, begin, end, and the end of the probe."""
        return [
            (preferences, model, each.began_s, each.until_s, each.probed_until_s)
            for ((owner, preferences), model), each in self._noted.items()
            if not owner
        ]

    def learn(
        self, preferences: str, model: str, *, began_s: float, until_s: float, probed_s: float, now_s: float
    ) -> None:
        """Store a cooldown for all callers that another isolate has begun, unless a later one is here."""
        place = (("", preferences), model)
        before = self._noted.get(place)
        if before is None:
            if until_s <= now_s and probed_s <= now_s:
                return
            self._make_room(place, now_s)
        elif before.until_s > until_s or (before.until_s == until_s and before.probed_until_s >= probed_s):
            return
        self._noted[place] = Cooldown(
            until_s=until_s,
            began_s=began_s,
            next_probe_s=next_probe_s(until_s, now_s),
            probed_until_s=probed_s,
        )

    def forget(self, preferences: str, model: str, *, ended_s: float) -> None:
        """Forget a cooldown for all callers that has ended elsewhere, unless it began later."""
        before = self._noted.get((("", preferences), model))
        if before is not None and before.began_s <= ended_s:
            del self._noted[(("", preferences), model)]

    def note(self, model: str, fault: Fault, *, now_s: float) -> None:
        """Begin the cooldown that a fault asks for, unless a running one lasts longer.

        A fault of the request begins none: it says nothing about the model. Any fault ends the model's probe.
        """
        self._end_probe(model, fault, now_s)
        wait_s = pause_s(fault, now_s=now_s)
        if wait_s is None or not (fault.is_slowness or fault.rule.scope is Scope.FREE_MODELS):
            return
        for place in self._places_for(model, fault.rule.scope):
            self._make_room(place, now_s)
            before = self._noted.get(place)
            is_running = before is not None and before.until_s > now_s
            # Calls that are in flight together may fail in any order: a later fault shortens no cooldown.
            until_s = max(now_s + wait_s, before.until_s if before else 0.0)
            self._noted[place] = Cooldown(
                until_s=until_s,
                began_s=before.began_s if before and is_running else now_s,
                next_probe_s=next_probe_s(until_s, now_s),
            )

    def answered(self, model: str) -> None:
        """End the model's cooldown if this request probes it: the model is back.

        Without a probe the cooldown stays: the answer may belong to a call from before the cooldown.
        """
        for place, _ in self._probes_of(model):
            del self._noted[place]
            del self._probing[place]

    def ready_at_s(self, model: str, *, now_s: float) -> float:
        """Return when the model may be called; ``now_s`` or earlier means now. Does not begin a probe."""
        if not self._noted:
            return now_s
        noted = [self._noted.get(place) for place in self._places_of(model)]
        ready_at_s = max((each.member_ready_at_s(now_s) for each in noted if each), default=now_s)
        if model in self._narrowed and (shared := self._noted.get((self._base, model))) is not None:
            return max(ready_at_s, shared.guest_ready_at_s(now_s))
        return ready_at_s

    def probe(self, model: str, *, now_s: float) -> None:
        """Begin a probe, if the model had a cooldown and it is over, or if another probe is due."""
        for place in self._places_of(model):
            noted = self._noted.get(place)
            if noted is not None and noted.may_be_probed(now_s):
                noted.probed_until_s = now_s + PROBE_S
                noted.next_probe_s = now_s + PROBE_EVERY_S
                self._probing[place] = noted

    def release(self, model: str, *, now_s: float) -> None:
        """End this request's probe, which had no answer and no fault: another request may begin one."""
        for place, noted in self._probes_of(model):
            noted.probed_until_s = noted.next_probe_s = now_s
            del self._probing[place]

    def _end_probe(self, model: str, fault: Fault, now_s: float) -> None:
        """End the model's cooldowns that are over, and this request's probe of those that go on.

        If the fault does not say that such a cooldown is right, another request may probe at once.
        """
        for place, noted in self._probes_of(model):
            is_free = place[1] == FREE_MODELS
            confirms = fault.rule.scope is Scope.FREE_MODELS if is_free else fault.is_refusal
            if not confirms:
                noted.next_probe_s = now_s
            del self._probing[place]
        for place in self._places_of(model):
            if place in self._noted and self._noted[place].until_s <= now_s:
                del self._noted[place]  # a running cooldown stays: the fault may be of an earlier call

    def _probes_of(self, model: str) -> list[tuple[_Place, Cooldown]]:
        """Return the cooldowns of the model that this request probes, unless another fault replaced them."""
        return [
            (place, self._probing[place])
            for place in self._places_of(model)
            if place in self._probing and self._noted.get(place) is self._probing[place]
        ]

    def _places_of(self, model: str) -> list[_Place]:
        """Return the places of all cooldowns of a model that the request is a member of."""
        own = (self._narrowed.get(model, self._base), model)
        is_free = model.endswith(FREE_MODELS) and not model.startswith(DIRECT)
        return [own, (self._base, FREE_MODELS)] if is_free else [own]

    def _places_for(self, model: str, scope: Scope) -> list[_Place]:
        """Return the places where a fault of this scope begins a cooldown; none if it concerns the account.

        A router or a preset can meet the limit of free models although its name does not end in ``:free``.
        It then gets a cooldown under its own name as well. The limit is the account's: it applies whatever
        the request prefers.
        """
        if scope is Scope.ACCOUNT:
            return []
        own, *free = self._places_of(model)
        if scope is Scope.MODEL:
            return [own]
        return free or [(self._base, FREE_MODELS), own]

    def _make_room(self, place: _Place, now_s: float) -> None:
        """Make room for a cooldown. One caller's cooldowns take no room from those of all callers."""
        (owner, _), _ = place
        self._trim(
            [each for each in self._noted if each[0][0] == owner],
            MAX_OF_ONE if owner else MAX_COOLDOWNS,
            now_s,
        )
        if owner:
            self._trim([each for each in self._noted if each[0][0]], MAX_COOLDOWNS, now_s)

    def _trim(self, places: Collection[_Place], limit: int, now_s: float) -> None:
        """Remove cooldowns if there are ``limit``: those that are over, or else the first to end."""
        if len(places) < limit:
            return
        running = {
            place: self._noted[place].until_s for place in places if self._noted[place].until_s > now_s
        }
        first = [min(running, key=running.__getitem__)] if len(running) >= limit else []
        for place in [*({*places} - running.keys()), *first]:
            del self._noted[place]
