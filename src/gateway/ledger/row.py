"""Makes a request's row for the ledger, and lists the parts of its cost that are not known yet."""

from gateway.dialects.tokens import Tokens
from gateway.fallback.attempt import Attempt
from gateway.fallback.receipt import Receipt
from gateway.http.frozen import dataclass
from gateway.http.message import OPENROUTER
from gateway.pipeline.prepared import Prepared
from gateway.settings.budget import micros_of, period_of

# In the order of the table's columns; see migrations/.
COLUMNS = (
    "ticket",
    "at_ms",
    "request_id",
    "key",
    "route",
    "requested",
    "served",
    "upstream",
    "provider",
    "attempts",
    "outcome",
    "stream",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "cost_micros",
    "estimated_micros",
    "cost_state",
    "billed_failures",
    "first_ms",
    "total_ms",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """An attempt that was, or may have been, billed, and whose cost OpenRouter will tell only later.

    Attributes:
        generation_id: OpenRouter's id of the answer.
        worst_micros: the most that it may have cost, in micro-dollars.
        has_tokens: whether the request's row already includes its tokens.
    """

    generation_id: str
    worst_micros: int
    has_tokens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the ledger stores about one request.

    Attributes:
        ticket: the gateway's own id of the request.
        key: the name of the caller's key.
        session: the digest of its session; None if it names none.
        day: the day on which the request began, in UTC (``YYYY-MM-DD``).
        cost_micros: its cost so far, in micro-dollars.
        is_ours: whether the gateway's OpenRouter account paid; false if the caller's own key did.
        values: the values of ``COLUMNS``, in that order.
        unsettled: the attempts whose cost is not in ``cost_micros`` yet.
    """

    ticket: str
    key: str
    session: str | None
    day: str
    cost_micros: int
    is_ours: bool
    values: tuple[str | int | None, ...]
    unsettled: tuple[Unsettled, ...]


def row_of(prepared: Prepared, receipt: Receipt, outcome: str) -> Row:
    """Return the row of a request that has ended."""
    unknown = [each for each in receipt.attempts if each.cost_usd is None and each.billed != "no"]
    unsettled = [each for each in unknown if _can_be_settled(each, prepared)]
    estimated = [each for each in unknown if not _can_be_settled(each, prepared)]
    known_usd = sum(attempt.cost_usd or 0.0 for attempt in receipt.attempts)
    known_micros = micros_of(known_usd)
    estimated_micros = sum(micros_of(attempt.most_usd) for attempt in estimated)
    cost_micros = known_micros + estimated_micros
    serving, served = receipt.serving, receipt.served
    candidate = next((each for each in prepared.planned.chain if each.model == served), None)
    values: dict[str, str | int | None] = {
        "ticket": prepared.ticket,
        "at_ms": round(receipt.started_at_s * 1000),
        "request_id": receipt.request_id,
        "key": prepared.caller.name,
        "route": candidate.task if candidate else None,
        "requested": receipt.requested[0] if receipt.requested else "",
        "served": served,
        "upstream": serving.upstream if serving else None,
        "provider": serving.provider if serving else None,
        "attempts": len(receipt.attempts),
        "outcome": outcome,
        "stream": int(prepared.request.stream),
        "prompt_tokens": sum(attempt.tokens.prompt for attempt in receipt.attempts),
        "completion_tokens": sum(attempt.tokens.completion for attempt in receipt.attempts),
        "reasoning_tokens": sum(attempt.tokens.reasoning for attempt in receipt.attempts),
        "cached_tokens": sum(attempt.tokens.cached for attempt in receipt.attempts),
        "cost_micros": cost_micros,
        "estimated_micros": estimated_micros,
        "cost_state": "estimated" if estimated else "pending" if unsettled else "known",
        "billed_failures": sum(
            each.outcome in ("failed", "cut_off") and each.billed != "no" for each in receipt.attempts
        ),
        "first_ms": receipt.first_ms if prepared.request.stream else None,
        "total_ms": receipt.ms,
    }
    return Row(
        ticket=prepared.ticket,
        key=prepared.caller.name,
        session=prepared.hold.session,
        day=period_of("day", receipt.started_at_s),
        cost_micros=cost_micros,
        is_ours=prepared.caller.own_key is None,
        values=tuple(values[name] for name in COLUMNS),
        unsettled=tuple(
            Unsettled(
                generation_id=attempt.generation_id or "",
                worst_micros=micros_of(attempt.most_usd),
                has_tokens=attempt.tokens != Tokens(),
            )
            for attempt in unsettled
        ),
    )


def _can_be_settled(attempt: Attempt, prepared: Prepared) -> bool:
    """Return whether OpenRouter can be asked later what an attempt cost.

    OpenRouter tells the gateway's key only about requests that were made with that key.
    """
    return bool(attempt.generation_id) and attempt.upstream == OPENROUTER and prepared.caller.own_key is None
