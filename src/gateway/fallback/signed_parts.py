"""Decides which signed parts of a request each model gets.

A model does not get what another author's models signed: it could only refuse it. What it may accept is sent.
If it refuses that, it is asked once more without what it has not signed itself.
"""

from dataclasses import replace

from gateway.dialects.dialect import Dialect
from gateway.dialects.plain_answer import Completion
from gateway.fallback.receipt import Receipt
from gateway.memory.signatures import Signatures, digest_of
from gateway.routing.chain import Candidate
from gateway.routing.makers import SignedReasoning

FOREIGN = "foreign_signature"


class GivenParts:
    """The signed parts that the models of one request get.

    Args:
        signed: the request's signed parts; None if it has none.
        receipt: what the request has tried so far.
    """

    def __init__(self, signed: SignedReasoning | None, receipt: Receipt) -> None:
        self._signed = signed
        faults = [(attempt.model, attempt.fault) for attempt in receipt.attempts]
        self._refused_by = {model for model, fault in faults if fault and fault.code == FOREIGN}

    def to(self, candidate: Candidate) -> Candidate:
        """Return a candidate with the parts that it does not get, before it is called."""
        if self._signed is None or not candidate.takes_signed:
            return candidate
        if candidate.model in self._refused_by:
            return self._without_others(candidate, self._signed)
        without = self._signed.unlike if self._refused_by else self._signed.foreign_to
        return _given(candidate, without(candidate.model))

    def after_refusal(self, candidate: Candidate) -> Candidate | None:
        """Return a candidate that refused signed parts, without more of them; None if it has had its turn."""
        self._refused_by.add(candidate.model)
        if self._signed is None or not candidate.takes_signed:
            return None
        other = self._without_others(candidate, self._signed)
        return other if len(other.without) > len(candidate.without) else None

    @staticmethod
    def _without_others(candidate: Candidate, signed: SignedReasoning) -> Candidate:
        """Return a candidate without what it has not signed; without all if it has signed what it refused."""
        without = signed.not_made_by(candidate.model)
        if len(without) <= max(len(candidate.without), len(signed.foreign_to(candidate.model))):
            without = signed.all()
        return replace(candidate, without=without, takes_signed=False)


def _given(candidate: Candidate, without: tuple[int, ...]) -> Candidate:
    return candidate if without == candidate.without else replace(candidate, without=without)


def note_signatures(answer: Completion, dialect: Dialect, signatures: Signatures, model: str) -> None:
    """Remember which model made the signatures in a plain answer."""
    if not dialect.signed_form.may_be_in(answer.raw):
        return
    for signature in dialect.signatures_of(answer.payload):
        if not (answer.long.parts and answer.long.mark in signature):
            signatures.note(digest_of(signature), model)
