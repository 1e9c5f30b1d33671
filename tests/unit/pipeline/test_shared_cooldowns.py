"""Tests what isolates tell each other of models that must not be called for now."""

import json

import pytest

from gateway.coordination.allowance import Allowance
from gateway.coordination.messages import Cooldown
from gateway.faults.fault import Fault
from gateway.memory.cooldowns import Cooldowns
from gateway.pipeline.shared_cooldowns import learn, note_told, to_tell

NOW_S = 1_800_000_000.0
DOWN = Fault(code="rate_limited", retry_after_s=30.0)


def noted(model: str = "a/one") -> Cooldowns:
    cooldowns = Cooldowns()
    cooldowns.note(model, DOWN, now_s=NOW_S)
    return cooldowns


def test_a_cooldown_is_told_once_and_its_end_once() -> None:
    cooldowns, allowance = noted(), Allowance()
    [news] = to_tell(cooldowns, allowance, now_s=NOW_S)
    assert (json.loads(news.place), news.until_ms) == (["", "a/one"], int(NOW_S + 30) * 1_000)
    note_told(allowance, [news], now_s=NOW_S)
    assert to_tell(cooldowns, allowance, now_s=NOW_S) == ()

    over_s = NOW_S + 31
    cooldowns.probe("a/one", now_s=over_s)
    [probe] = to_tell(cooldowns, allowance, now_s=over_s)
    assert probe.probed_ms > over_s * 1_000
    cooldowns.answered("a/one")
    [ended] = to_tell(cooldowns, allowance, now_s=over_s)
    assert (ended.place, ended.until_ms) == (news.place, 0)
    note_told(allowance, [ended], now_s=over_s)
    assert to_tell(cooldowns, allowance, now_s=over_s) == ()


def test_another_isolate_learns_of_a_cooldown_its_probe_and_its_end() -> None:
    other = Cooldowns()
    place = json.dumps(["", "a/one"])
    until_ms = int(NOW_S + 30) * 1_000
    learn(other, (Cooldown(place=place, began_ms=int(NOW_S) * 1_000, until_ms=until_ms),), now_s=NOW_S)
    assert other.ready_at_s("a/one", now_s=NOW_S) == NOW_S + 30

    over_s = NOW_S + 31
    probed = Cooldown(
        place=place, began_ms=int(NOW_S) * 1_000, until_ms=until_ms, probed_ms=int(over_s + 20) * 1_000
    )
    learn(other, (probed,), now_s=over_s)
    assert other.ready_at_s("a/one", now_s=over_s) > over_s

    learn(other, (Cooldown(place=place, began_ms=int(over_s) * 1_000, until_ms=0),), now_s=over_s)
    assert other.ready_at_s("a/one", now_s=over_s) == over_s
    assert other.of_all_callers() == []


def test_a_later_cooldown_of_this_isolate_stays() -> None:
    cooldowns = noted()
    place = json.dumps(["", "a/one"])
    learn(cooldowns, (Cooldown(place=place, began_ms=1, until_ms=int(NOW_S + 5) * 1_000),), now_s=NOW_S)
    learn(cooldowns, (Cooldown(place=place, began_ms=int(NOW_S - 5) * 1_000, until_ms=0),), now_s=NOW_S)

    assert cooldowns.ready_at_s("a/one", now_s=NOW_S) == NOW_S + 30


def test_what_concerns_one_caller_is_told_to_nobody() -> None:
    cooldowns = Cooldowns()
    cooldowns.of_request(("own digest", ""), {}).note("a/one", DOWN, now_s=NOW_S)
    cooldowns.of_request(("", ""), {"a/one": ("key", "preferences")}).note("a/one", DOWN, now_s=NOW_S)

    assert to_tell(cooldowns, Allowance(), now_s=NOW_S) == ()


@pytest.mark.parametrize("place", ["x", "{}", "[1, 2]", '["a"]', "[" * 3_000])
def test_a_place_that_cannot_be_read_is_ignored(place: str) -> None:
    cooldowns = Cooldowns()
    learn(cooldowns, (Cooldown(place=place, began_ms=1, until_ms=int(NOW_S + 5) * 1_000),), now_s=NOW_S)

    assert cooldowns.of_all_callers() == []
