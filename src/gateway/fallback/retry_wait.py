"""Decides whether a model that has failed is tried again before another one, and after which wait."""

from collections.abc import Callable

from gateway.faults.fault import Fault
from gateway.faults.policy import Verdict

# If a model asks for a pause of at most this length, the same model is tried again before another one.
SHORT_PAUSE_S = 1.0


def wait_before_retry_s(
    fault: Fault,
    *,
    cooldown_s: float | None,
    retry_first: bool,
    is_another_ready: Callable[[], bool],
    jitter_s: Callable[[], float],
) -> float | None:
    """Return the wait before a model is tried again, in seconds; None if another one is asked first.

    Args:
        fault: why it failed.
        cooldown_s: how long the fault requires it to cool down; None if it requires no pause.
        retry_first: whether it is tried again before the next one, if that may help.
        is_another_ready: returns whether another model can be asked at once.
        jitter_s: returns the wait before a retry without a cooldown.
    """
    if cooldown_s is not None:
        is_short = cooldown_s <= SHORT_PAUSE_S
        return cooldown_s if is_short or (retry_first and fault.may_pass_after_pause) else None
    if fault.rule.verdict is Verdict.RETRY and (retry_first or not is_another_ready()):
        return jitter_s()
    return None
