"""One request as the ledger keeps it, and the parts of its cost that nobody has said yet."""

from gateway.fallback.attempt import Attempt, Tokens
from gateway.fallback.receipt import Receipt
from gateway.http.frozen import dataclass
from gateway.http.message import OPENROUTER
from gateway.pipeline.prepare import Prepared
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
    """An attempt that was, or may have been, billed, and whose cost OpenRouter can be asked for later.

    Attributes:
        has_tokens: whether its tokens are in the row's already.
    """

    generation_id: str
    worst_micros: int
    has_tokens: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is written of one request.

    Attributes:
        is_ours: whether the gateway's own account paid, and not the caller's.
        values: by ``COLUMNS``.
        unsettled: what is not in its cost yet.
    """

    ticket: str
    key: str
    day: str
    cost_micros: int
    is_ours: bool
    values: tuple[str | int | None, ...]
    unsettled: tuple[Unsettled, ...]


def row_of(prepared: Prepared, receipt: Receipt, outcome: str) -> Row:
    """Return the row of a request that has ended."""
    unsaid = [each for each in receipt.attempts if each.cost_usd is None and each.billed != "no"]
    unsettled = [each for each in unsaid if _can_be_asked_for(each, prepared)]
    guessed = [each for each in unsaid if not _can_be_asked_for(each, prepared)]
    known_usd = sum(attempt.cost_usd or 0.0 for attempt in receipt.attempts)
    known_micros = micros_of(known_usd)
    estimated_micros = sum(micros_of(attempt.most_usd) for attempt in guessed)
    cost_micros = known_micros + estimated_micros
    serving, served = receipt.serving, receipt.served
    link = next((each for each in prepared.planned.chain if each.model == served), None)
    values: dict[str, str | int | None] = {
        "ticket": prepared.ticket,
        "at_ms": round(receipt.started_at_s * 1000),
        "request_id": receipt.request_id,
        "key": prepared.caller.name,
        "route": link.task if link else None,
        "requested": receipt.requested[0] if receipt.requested else "",
        "served": served,
        "upstream": serving.upstream if serving else None,
        "provider": serving.provider if serving else None,
        "attempts": len(receipt.attempts),
        "outcome": outcome,
        "stream": int(prepared.chat.stream),
        "prompt_tokens": sum(attempt.tokens.prompt for attempt in receipt.attempts),
        "completion_tokens": sum(attempt.tokens.completion for attempt in receipt.attempts),
        "reasoning_tokens": sum(attempt.tokens.reasoning for attempt in receipt.attempts),
        "cached_tokens": sum(attempt.tokens.cached for attempt in receipt.attempts),
        "cost_micros": cost_micros,
        "estimated_micros": estimated_micros,
        "cost_state": "estimated" if guessed else "pending" if unsettled else "known",
        "billed_failures": sum(
            each.outcome in ("failed", "cut_off") and each.billed != "no" for each in receipt.attempts
        ),
        "first_ms": receipt.first_ms if prepared.chat.stream else None,
        "total_ms": receipt.ms,
    }
    return Row(
        ticket=prepared.ticket,
        key=prepared.caller.name,
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


def _can_be_asked_for(attempt: Attempt, prepared: Prepared) -> bool:
    """Return whether OpenRouter will say what it cost: to the gateway's own key it tells of its own alone."""
    return bool(attempt.generation_id) and attempt.upstream == OPENROUTER and prepared.caller.own_key is None
