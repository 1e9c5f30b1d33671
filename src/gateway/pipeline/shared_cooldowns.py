"""Tells coordinators which models an isolate has found to be down, and learns from them what others have."""

import json
from collections.abc import Iterable

from gateway.coordination.allowance import Allowance
from gateway.coordination.messages import Cooldown
from gateway.http.json_values import Json
from gateway.memory.cooldowns import Cooldowns


def to_tell(cooldowns: Cooldowns, allowance: Allowance, *, now_s: float) -> tuple[Cooldown, ...]:
    """Return what has changed since the scope's coordinator was told: new cooldowns, and those that ended.

    Only cooldowns that apply to all callers are told.
    """
    known = {each.place: each for each in _noted(cooldowns)}
    told = allowance.told
    news = [each for place, each in known.items() if _is_news(each, told.get(place), now_s)]
    ended = [
        Cooldown(place=place, began_ms=int(now_s * 1000), until_ms=0)
        for place, each in told.items()
        if place not in known and each.until_ms
    ]
    return (*news, *ended)


def note_told(allowance: Allowance, told: Iterable[Cooldown], *, now_s: float) -> None:
    """Remember what a coordinator knows.

    A cooldown that is over is not remembered: that this isolate does not have it does not say that a probe
    was answered.
    """
    for each in told:
        if each.until_ms > now_s * 1000:
            allowance.told[each.place] = each
        else:
            allowance.told.pop(each.place, None)


def learn(cooldowns: Cooldowns, learned: tuple[Cooldown, ...], *, now_s: float) -> None:
    """Use what a coordinator has told. What cannot be read is ignored."""
    for each in learned:
        place = _read_place(each.place)
        if place is None:
            continue
        preferences, model = place
        if each.until_ms:
            cooldowns.learn(
                preferences,
                model,
                began_s=each.began_ms / 1000,
                until_s=each.until_ms / 1000,
                probed_s=each.probed_ms / 1000,
                now_s=now_s,
            )
        else:
            cooldowns.forget(preferences, model, ended_s=each.began_ms / 1000)


def _noted(cooldowns: Cooldowns) -> Iterable[Cooldown]:
    for preferences, model, began_s, until_s, probed_s in cooldowns.of_all_callers():
        yield Cooldown(
            place=json.dumps([preferences, model], separators=(",", ":")),
            began_ms=int(began_s * 1000),
            until_ms=int(until_s * 1000),
            probed_ms=int(probed_s * 1000),
        )


def _is_news(cooldown: Cooldown, told: Cooldown | None, now_s: float) -> bool:
    """Return whether a coordinator does not know a cooldown, or a later end of it, or of its probe."""
    if told is None:
        return cooldown.until_ms > now_s * 1000
    return (cooldown.until_ms, cooldown.probed_ms) > (told.until_ms, told.probed_ms)


def _read_place(text: str) -> tuple[str, str] | None:
    try:
        place: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(place, list) and len(place) == 2:  # the preferences and the model
        preferences, model = place
        if isinstance(preferences, str) and isinstance(model, str):
            return preferences, model
    return None
