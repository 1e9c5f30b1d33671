"""The error that a caller gets when no model has answered."""

from collections.abc import Sequence

from gateway.attempts import Receipt
from gateway.errors import ErrorKind, GatewayError
from gateway.policy import RULES, Fault, Verdict
from gateway.wire import Json


def chain_spent(
    receipt: Receipt, faults: Sequence[Fault], *, cut_short: bool, list_all: bool, wait_s: float | None
) -> GatewayError:
    """Return the error for a chain without an answer.

    Args:
        receipt: what was tried.
        faults: why each attempt failed, in the receipt's order.
        cut_short: whether the deadline left models untried.
        list_all: whether every attempt's error is listed (``gateway.errors: "all"``).
        wait_s: the earliest time, in seconds from now, at which something that asked for a pause is ready.
    """
    last = Fault(code="deadline_exceeded") if cut_short else faults[-1]
    rule = last.rule
    stopped = rule.verdict is Verdict.STOP and not cut_short
    tried = len({attempt.model for attempt in receipt.attempts})
    message = (
        rule.message if stopped or tried == 1 else f"No model answered ({tried} tried). Last: {rule.message}"
    )
    metadata: dict[str, Json] = dict(last.details)
    if list_all:
        metadata["errors"] = [
            {
                "model": attempt.model,
                "code": fault.code,
                "source": fault.rule.source,
                "status": fault.status,
                "message": fault.rule.message,
                **fault.details,
            }
            for attempt, fault in zip(receipt.attempts, faults, strict=True)
        ]
    metadata["gateway"] = receipt.to_json()
    return GatewayError(
        last.code,
        message,
        kind=ErrorKind(last.shown_status, rule.type, rule.source),
        retry_after_s=last.retry_after_s if stopped else wait_s,
        retryable=any(RULES[fault.code].verdict is Verdict.RETRY for fault in faults) or wait_s is not None,
        metadata=metadata,
    )


def stream_broken(fault: Fault, receipt: Receipt) -> GatewayError:
    """Return the error for an answer that broke off after it had begun: what came before it is partial."""
    rule = fault.rule
    return GatewayError(
        fault.code,
        f"The answer broke off. {rule.message}",
        kind=ErrorKind(fault.shown_status, rule.type, rule.source),
        retry_after_s=fault.retry_after_s,
        retryable=rule.verdict is not Verdict.STOP,
        metadata={**fault.details, "partial": True, "gateway": receipt.to_json()},
    )
