"""Builds the error for a caller when no model has answered, or when an answer was cut off."""

from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault, error_of
from gateway.faults.policy import Verdict
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject


def chain_exhausted(receipt: Receipt, last: Fault, *, list_all: bool, wait_s: float | None) -> GatewayError:
    """Return the error for a chain without an answer.

    Args:
        receipt: what was tried.
        last: the fault that ended the chain.
        list_all: whether every attempt's error is listed (``gateway.errors: "all"``).
        wait_s: in how many seconds the first model that is cooling down is ready; None if there is none.
    """
    rule = last.rule
    stopped = rule.verdict is Verdict.STOP
    tried = len({attempt.model for attempt in receipt.attempts})
    prefix = "" if stopped or tried < 2 else f"No model answered ({tried} tried). Last: "
    metadata = {**last.details, **_errors_in(receipt, list_all=list_all), "gateway": receipt.to_json()}
    return GatewayError(
        last.code,
        prefix + rule.message,
        kind=last.kind,
        retry_after_s=last.retry_after_s
        if stopped or (wait_s is None and rule.source == "gateway")
        else wait_s,
        retryable=last.may_pass or (wait_s is not None and not stopped),
        metadata=metadata,
    )


def _errors_in(receipt: Receipt, *, list_all: bool) -> JsonObject:
    if not list_all:
        return {}
    return {"errors": [_error_of(each.model, each.fault) for each in receipt.attempts if each.fault]}


def _error_of(model: str, fault: Fault) -> Json:
    rule = fault.rule
    return {
        "model": model,
        "code": fault.code,
        "source": rule.source,
        "status": fault.status,
        "message": rule.message,
        **fault.details,
    }


def stream_cut_off(fault: Fault, receipt: Receipt, *, list_all: bool) -> GatewayError:
    """Return the error for an answer that was cut off after it had begun, and so is partial."""
    errors = _errors_in(receipt, list_all=list_all)
    return error_of(
        fault,
        message=f"The answer was cut off. {fault.rule.message}",
        metadata={**fault.details, **errors, "partial": True, "gateway": receipt.to_json()},
    )
