"""Says in one line which models were asked or skipped, and why each did not answer.

It is imported when a request fails.
"""

import re
from collections.abc import Mapping

from gateway.catalog.similar import did_you_mean
from gateway.fallback.attempt import Attempt
from gateway.fallback.phrases import FAILED, SKIPPED, Phrases
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault
from gateway.http.json_values import Json, number_or_none
from gateway.settings.budget import micros_of, shown_usd

# How many models a message names; it says how many more there are.
MAX_NAMED = 6
MAX_NAME_CHARACTERS = 100
# For how many models of a message similar names are looked for. Each takes a walk through the model list.
MAX_LOOKED_FOR = 3
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MINUTE_S, _HOUR_S = 60.0, 3_600.0


def failures_of(receipt: Receipt) -> dict[str, str]:
    """Return why each model did not answer, in a few words: those that were asked, then those skipped."""
    asked: dict[str, list[Attempt]] = {}
    for attempt in receipt.attempts:
        if attempt.fault is not None:
            asked.setdefault(attempt.model, []).append(attempt)
    failures = {model: _failed(attempts) for model, attempts in asked.items()}
    for model, skipped in receipt.skipped.items():
        failures.setdefault(model, _phrase(SKIPPED.get(str(skipped["reason"]), ()), skipped))
    return failures


def listed(failures: Mapping[str, str], receipt: Receipt, *, last: str | None) -> str:
    """Return the failures of several models as one line without a full stop; ``last`` is always named."""
    names = [*failures]
    if len(names) > MAX_NAMED:
        shown = names[:MAX_NAMED]
        names = shown if last is None or last in shown else [*shown[:-1], last]
    unknown = [model for model in names if _may_be_misnamed(model, receipt)][:MAX_LOOKED_FOR]
    parts = []
    for model in names:
        similar = receipt.similar(model)[:1] if model in unknown else ()
        hint = f" (did you mean {similar[0]}?)" if similar else ""
        parts.append(f"{shown_name(model)}: {failures[model]}{hint}")
    if len(failures) > len(names):
        parts.append(f"and {len(failures) - len(names)} more")
    return "; ".join(parts)


def question_of(attempt: Attempt, receipt: Receipt) -> str:
    """Return the question which model was meant, as a sentence after another; empty if there is none."""
    similar = receipt.similar(attempt.model) if _is_misnamed(attempt.fault) else ()
    return f" {did_you_mean(similar)}" if similar else ""


def shown_name(model: str) -> str:
    """Return a model's name of bounded length."""
    return model if len(model) <= MAX_NAME_CHARACTERS else f"{model[: MAX_NAME_CHARACTERS - 1]}…"


def shown_duration(seconds: float) -> str:
    """Return a length of time in one unit: ``0.3 s``, ``15 s``, ``4 min``, ``7 h``."""
    if seconds < 10:
        return f"{max(0.1, seconds):.1f}".removesuffix(".0") + " s"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.0f} h"


def _failed(attempts: list[Attempt]) -> str:
    """Return why the last of a model's attempts failed, and how many there were."""
    last = attempts[-1]
    assert last.fault is not None
    values: dict[str, Json] = {"time_s": last.ms / 1000 or None, "wait_s": last.fault.retry_after_s}
    phrase = _phrase(FAILED[last.fault.code], values)
    return phrase if len(attempts) == 1 else f"{phrase} ({len(attempts)} attempts)"


def _phrase(phrases: Phrases, values: Mapping[str, Json]) -> str:
    shown = {name: text for name, value in values.items() if (text := _shown(name, value))}
    for phrase in phrases:
        try:
            return phrase.format_map(shown)
        except KeyError:  # a value is not known
            continue
    return "it was not asked"


def _shown(name: str, value: Json) -> str | None:
    """Return a value of a phrase as text; None if it is not known, or is no name, number or list of names."""
    if isinstance(value, list):
        words = [each for each in value if isinstance(each, str) and _WORD.fullmatch(each)]
        return ", ".join(words[:MAX_NAMED]) or None
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else None
    number = number_or_none(value)
    if number is None:
        return None
    if name.endswith("_s"):
        return shown_duration(number)
    if "usd" in name:
        return shown_usd(micros_of(number))
    return f"{number:,.0f}"


def _may_be_misnamed(model: str, receipt: Receipt) -> bool:
    return any(each.model == model and _is_misnamed(each.fault) for each in receipt.attempts)


def _is_misnamed(fault: Fault | None) -> bool:
    return fault is not None and fault.code == "unknown_model"
