"""Attempts as they are recorded, and the receipt that shows them: what was tried, and why it ended so."""

import json
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from gateway.errors import Source
from gateway.policy import Billed, Fault
from gateway.wire import JsonObject

AttemptOutcome: TypeAlias = Literal["answered", "failed", "cut_off"]

MAX_RECEIPT_HEADER_BYTES = 4_096  # clients allow 8 to 16 KiB for all headers together


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One call to one model; filled in as it goes.

    Attributes:
        number: 1 for the first attempt at this model.
        outcome: ``cut_off`` is an answer that broke after it had begun.
        source: who is at fault; None for an answer.
        code: why it failed; None for an answer.
        status: the upstream's HTTP status, or a 200's inner error code; None when none arrived.
        ms: from its start to its end, or to its commit for a stream that still runs.
        cost_usd: as OpenRouter said; None while unknown.
    """

    model: str
    number: int
    outcome: AttemptOutcome = "failed"
    source: Source | None = None
    code: str | None = None
    status: int | None = None
    ms: int = 0
    cost_usd: float | None = None
    billed: Billed = "unknown"

    def fail(self, fault: Fault, *, outcome: AttemptOutcome = "failed") -> None:
        """Record why this attempt failed."""
        self.outcome = outcome
        self.code = fault.code
        self.source = fault.rule.source
        self.status = fault.status or self.status
        self.billed = fault.rule.billed

    def settle(self, cost_usd: float | None) -> None:
        """Record what OpenRouter says the attempt cost; None when it did not say."""
        if cost_usd is not None:
            self.cost_usd = cost_usd
            self.billed = "yes" if cost_usd > 0 else "no"

    def to_json(self) -> JsonObject:
        """Return the attempt as the receipt shows it."""
        return {
            "model": self.model,
            "number": self.number,
            "outcome": self.outcome,
            "source": self.source,
            "code": self.code,
            "status": self.status,
            "ms": self.ms,
            "cost_usd": self.cost_usd,
            "billed": self.billed,
        }


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What one request tried; the same object from its first attempt to its last byte."""

    request_id: str
    requested: tuple[str, ...]
    started_at_s: float
    attempts: list[Attempt] = field(default_factory=list)
    served: str | None = None
    ms: int = 0

    def time_until(self, now_s: float) -> int:
        """Record how long the request has taken; return how much longer than when last recorded, in ms."""
        before_ms, self.ms = self.ms, round((now_s - self.started_at_s) * 1000)
        return self.ms - before_ms

    @property
    def cost_usd(self) -> float | None:
        """The sum of what is known; None while nothing is."""
        known = [attempt.cost_usd for attempt in self.attempts if attempt.cost_usd is not None]
        return round(sum(known), 9) if known else None

    def to_json(self) -> JsonObject:
        """Return the receipt in full."""
        return {
            "request_id": self.request_id,
            "requested": list(self.requested),
            "served": self.served,
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "cost_usd": self.cost_usd,
            "ms": self.ms,
        }

    def to_header(self) -> str:
        """Return the receipt as compact JSON in ASCII, without its earliest attempts where it is too long."""
        shown = self.to_json()
        text = json.dumps(shown, separators=(",", ":"))
        omitted = 0
        while len(text) > MAX_RECEIPT_HEADER_BYTES and omitted < len(self.attempts):
            omitted += 1
            shown["requested"] = [self.requested[0]]
            shown["attempts"] = [attempt.to_json() for attempt in self.attempts[omitted:]]
            shown["attempts_omitted"] = omitted
            text = json.dumps(shown, separators=(",", ":"))
        return text

    def to_trace(self) -> str:
        """Return the shortest form: ``model=code`` for each attempt, in order."""
        trace = ",".join(f"{attempt.model}={attempt.code or 'ok'}" for attempt in self.attempts)
        return (
            trace if len(trace) <= MAX_RECEIPT_HEADER_BYTES else trace[: MAX_RECEIPT_HEADER_BYTES - 3] + "..."
        )
