"""Builds the error for a caller when no model has answered, or when an answer was cut off."""

from gateway.fallback.attempt import Attempt
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault, error_of
from gateway.faults.policy import Verdict
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject
from gateway.http.message import OPENROUTER

MAY_BE_BILLED = (
    "The attempt may have been billed, so no other was made; `gateway.retry_billed` allows another."
)


def chain_exhausted(
    receipt: Receipt, last: Fault, *, list_all: bool, wait_s: float | None, by_bill: bool = False
) -> GatewayError:
    """Return the error for a chain without an answer.

    Args:
        receipt: what was tried.
        last: the fault that ended the chain.
        list_all: whether every attempt's error is listed (``gateway.errors: "all"``).
        wait_s: in how many seconds the first model that is cooling down is ready; None if there is none.
        by_bill: whether that fault ended the chain because its attempt may have been billed.
    """
    rule = last.rule
    stopped = rule.verdict is Verdict.STOP
    return GatewayError(
        last.code,
        _message(last, receipt) + (_bill_of(_attempt_of(last, receipt)) if by_bill else ""),
        kind=last.kind,
        retry_after_s=last.retry_after_s
        if stopped or (wait_s is None and rule.source == "gateway")
        else wait_s,
        retryable=not by_bill and (last.may_pass or (wait_s is not None and not stopped)),
        metadata=_metadata(last, receipt, list_all=list_all),
    )


def stream_cut_off(fault: Fault, receipt: Receipt, *, list_all: bool) -> GatewayError:
    """Return the error for an answer that was cut off after it had begun, and so is partial."""
    from gateway.fallback.what_failed import failures_of, listed  # noqa: PLC0415  # few answers are cut off

    attempt = _attempt_of(fault, receipt)
    others = {
        model: failure
        for model, failure in failures_of(receipt).items()
        if attempt is None or model != attempt.model
    }
    message = f"The answer was cut off. {_what_happened(fault, receipt)}"
    return error_of(
        fault,
        message=f"{message} Other models: {listed(others, receipt, last=None)}." if others else message,
        metadata={**_metadata(fault, receipt, list_all=list_all), "partial": True},
    )


def _message(last: Fault, receipt: Receipt) -> str:
    """Return the message for a chain without an answer: of several models it says why each did not answer."""
    from gateway.fallback.what_failed import failures_of, listed  # noqa: PLC0415  # few chains end without an answer

    attempt, failures = _attempt_of(last, receipt), failures_of(receipt)
    if not failures or (attempt is not None and len(failures) == 1):
        return _what_happened(last, receipt)
    told = listed(failures, receipt, last=attempt.model if attempt else None)
    if attempt is None:
        return f"{last.message} {told}."
    advice = last.message.partition(". ")[2]
    return f"No model answered. {told}." + (f" {advice}" if advice else "") + _said(last)


def _bill_of(attempt: Attempt | None) -> str:
    """Return what a caller should know of an attempt that may have been billed, as sentences after others."""
    generation = attempt.generation_id if attempt else None
    named = f" The generation is {generation}." if generation else ""
    return f" {MAY_BE_BILLED}{named}"


def _what_happened(fault: Fault, receipt: Receipt) -> str:
    """Return the message for a fault: what happened, to which model, and what the upstream said of it."""
    attempt = _attempt_of(fault, receipt)
    if attempt is None:
        return fault.message
    from gateway.fallback.what_failed import question_of, shown_name  # noqa: PLC0415  # few attempts are the last

    first, separator, rest = fault.message.removesuffix(".").partition(". ")
    told = f"{first} ({shown_name(attempt.model)}){separator}{rest}."
    return told + question_of(attempt, receipt) + _said(fault)


def _said(fault: Fault) -> str:
    """Return what the upstream said, as a sentence after another; empty if it is not repeated."""
    said = fault.reported.message if fault.reported and fault.is_told_in_full else None
    return f" The upstream says: {said}" if said else ""


def _metadata(fault: Fault, receipt: Receipt, *, list_all: bool) -> JsonObject:
    shown: JsonObject = {**fault.details}
    failed = [attempt for attempt in receipt.attempts if attempt.fault]
    last = _attempt_of(fault, receipt) or (failed[-1] if failed else None)
    if last and last.fault:
        shown["upstream"] = _reported_in(last, last.fault)
    if list_all:
        shown["errors"] = [_error_of(each, each.fault) for each in failed if each.fault]
    shown["gateway"] = receipt.to_json()
    return shown


def _attempt_of(fault: Fault, receipt: Receipt) -> Attempt | None:
    """Return the attempt that ended with this fault; None if the fault is not that of an attempt."""
    return next((each for each in reversed(receipt.attempts) if each.fault is fault), None)


def _error_of(attempt: Attempt, fault: Fault) -> Json:
    rule = fault.rule
    return {
        "model": attempt.model,
        "code": fault.code,
        "source": rule.source,
        "status": fault.status,
        "message": rule.message,
        **fault.details,
        "upstream": _reported_in(attempt, fault),
    }


def _reported_in(attempt: Attempt, fault: Fault) -> JsonObject:
    """Return what the upstream said of an attempt's error; what it did not say is null."""
    is_direct = attempt.upstream != OPENROUTER
    return {
        "message": fault.reported.message if fault.reported else None,
        "code": fault.reported.code if fault.reported else None,
        "provider": attempt.upstream if is_direct else fault.details.get("provider_name") or attempt.provider,
        "model": attempt.model,
    }
