"""Finds out how a model that refused a part of a request is asked once more without that part."""

from dataclasses import replace

from gateway.fallback.signed_parts import FOREIGN, GivenParts
from gateway.faults.fault import Fault
from gateway.routing.chain import Candidate

# How upstreams refuse to continue a message of the model's own (a prefill). Without it the request was valid
# for the model whose answer is continued.
# Source: Anthropic's 400 "This model does not support assistant message prefill."
PREFILL_REFUSALS = frozenset({"rejected_by_provider", "rejected_by_openrouter", "request_rejected"})


def asked_otherwise(
    candidate: Candidate, fault: Fault, given: GivenParts, *, has_prefill: bool, stop_on: frozenset[str]
) -> Candidate | None:
    """Return the model as it is asked without what it refused; None if it refused something else.

    That is a prefill, which has another form, or signed parts of the messages.
    """
    if fault.code == FOREIGN and FOREIGN not in stop_on:
        return given.after_refusal(candidate)
    if has_prefill and candidate.takes_prefill and fault.code in PREFILL_REFUSALS:
        return replace(candidate, takes_prefill=False)
    return None
