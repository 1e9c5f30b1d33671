"""Settles costs that were unknown when a request ended: asks OpenRouter for them, and updates the ledger."""

import asyncio
import json

from gateway.dialects.tokens import tokens_in
from gateway.fallback.attempt import cost_or_none
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty
from gateway.http.message import TransportError, Upstream
from gateway.memory.database import query_database
from gateway.memory.get import get
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.waiting import gather_results
from gateway.settings.budget import micros_of

# Lookups per run of the cron trigger, by default. The free plan allows 50 calls a run, and the model list may
# need some.
SETTLED_PER_RUN = 40
ASKED_AT_ONCE = 5  # concurrent lookups; the runtime allows six connections
ASK_TIMEOUT_S = 10.0
# The pause before each try: the first counts from the request's end, the others from the try before.
# After the last try the worst case is recorded. OpenRouter's `/generation` knows an answer after one to eight
# minutes.
BACK_OFF_S = (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 86_400.0)

_PAUSES = " ".join(f"WHEN {tries} THEN {pause_s * 1000:.0f}" for tries, pause_s in enumerate(BACK_OFF_S[1:]))
# One statement claims rows, schedules their next try and reads them. Two runs at the same time thus get
# different rows, and the rows of a run that crashes are tried again later.
CLAIM = (
    f"UPDATE unsettled SET next_at_ms = ? + CASE tries {_PAUSES} ELSE {BACK_OFF_S[0] * 1000:.0f} END, "  # noqa: S608  # our own numbers
    "tries = tries + 1 WHERE generation_id IN (SELECT generation_id FROM unsettled "
    "WHERE next_at_ms <= ? ORDER BY next_at_ms LIMIT ?) RETURNING *"
)
# All settled parts are passed as one JSON array, so a run needs a few statements however many there are: D1's
# free plan allows 50 an invocation. The join with `unsettled` makes a repeat harmless: a part that is settled
# already is no longer in that table and adds nothing.
_SETTLED = (
    "SELECT unsettled.{by}, {sums} FROM json_each(?) AS part "
    "JOIN unsettled ON unsettled.generation_id = json_extract(part.value, '$.id') GROUP BY 1{by_too}"
)


def _sum_of(*names: str) -> str:
    return ", ".join(f"sum(json_extract(part.value, '$.{name}')) AS {name}" for name in names)


_ADD_TO_SPEND = (
    "UPDATE spend SET cost_micros = cost_micros + settled.micros FROM "  # noqa: S608  # our own text
    f"({_SETTLED.format(by='key, unsettled.day', sums=_sum_of('micros'), by_too=', 2')}) AS settled "
    "WHERE spend.key = settled.key AND spend.day = settled.day"
)
_ADD_TO_SESSIONS = (
    "UPDATE session_spend SET cost_micros = cost_micros + settled.micros FROM "  # noqa: S608  # our own text
    f"({_SETTLED.format(by='session', sums=_sum_of('micros'), by_too='')}) AS settled "
    "WHERE session_spend.session = settled.session"
)
_ADD_TO_REQUESTS = (
    "UPDATE requests SET cost_micros = cost_micros + settled.micros, "  # noqa: S608  # our own text
    "estimated_micros = estimated_micros + settled.guessed, prompt_tokens = prompt_tokens + settled.prompt, "
    "completion_tokens = completion_tokens + settled.completion, "
    "reasoning_tokens = reasoning_tokens + settled.reasoning, "
    "cached_tokens = cached_tokens + settled.cached, "
    "cost_state = iif(settled.given_up, 'estimated', cost_state) FROM ("
    + _SETTLED.format(
        by="ticket",
        sums=_sum_of("micros", "guessed", "given_up", "prompt", "completion", "reasoning", "cached"),
        by_too="",
    )
    + ") AS settled WHERE requests.ticket = settled.ticket"
)
_DELETE_UNSETTLED = (
    "DELETE FROM unsettled WHERE generation_id IN (SELECT json_extract(value, '$.id') FROM json_each(?))"
)
# A request's cost is known when no part of it is unsettled, unless a part was estimated.
_CLOSE = (
    "UPDATE requests SET cost_state = 'known' WHERE cost_state = 'pending' "
    "AND ticket IN (SELECT json_extract(value, '$.ticket') FROM json_each(?)) "
    "AND NOT EXISTS (SELECT 1 FROM unsettled WHERE unsettled.ticket = requests.ticket)"
)


STATEMENTS = (_ADD_TO_SPEND, _ADD_TO_SESSIONS, _ADD_TO_REQUESTS, _DELETE_UNSETTLED, _CLOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A part of a request's cost that OpenRouter is asked for: a row of ``unsettled``.

    Attributes:
        generation_id: OpenRouter's id of the answer.
        ticket: the gateway's own id of the request.
        worst_micros: the most that it may have cost, in micro-dollars.
        has_tokens: whether the request's row already includes its tokens: an answer may report its tokens
            without its cost.
        is_last_try: whether the worst case is recorded if this try fails.
    """

    generation_id: str
    ticket: str
    worst_micros: int
    has_tokens: bool
    is_last_try: bool

    @classmethod
    def of(cls, row: JsonObject) -> "Owed":
        """Return the part that a row of ``unsettled`` describes."""
        return cls(
            generation_id=str(row["generation_id"]),
            ticket=str(row["ticket"]),
            worst_micros=int(number_or_none(row["worst_micros"]) or 0),
            has_tokens=bool(row.get("has_tokens")),
            is_last_try=(number_or_none(row["tries"]) or 0) >= len(BACK_OFF_S),
        )


async def settle_costs(upstream: Upstream, ports: Ports, *, per_run: int = SETTLED_PER_RUN) -> int:
    """Ask OpenRouter for the costs that are due and record them; return how many parts were settled.

    After the last try the worst case is recorded. Returns 0 without a ledger, or if it fails. Never raises.
    """
    if not ports.database.bound:
        return 0
    now_ms = round(ports.now_s() * 1000)
    try:
        (claimed,) = await query_database([(CLAIM, (now_ms, now_ms, per_run))], ports)
        settled = await _ask_for_all([Owed.of(row) for row in claimed], upstream, ports)
        if settled:
            await query_database(settlement_statements(settled), ports)
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_settled", error=type(error).__name__)
        return 0
    return len(settled)


def settlement_statements(settled: list[Json]) -> list[Statement]:
    """Return the statements that record settled parts. Running them a second time changes nothing."""
    text = json.dumps(settled)
    return [(sql, (text,)) for sql in STATEMENTS]


async def _ask_for_all(owed: list[Owed], upstream: Upstream, ports: Ports) -> list[Json]:
    """Ask OpenRouter for all parts, ``ASKED_AT_ONCE`` at a time; return those that are settled now."""
    free_lookups = asyncio.Semaphore(ASKED_AT_ONCE)

    async def ask(part: Owed) -> JsonObject | None:
        async with free_lookups:
            return _settled(part, await _generation(part.generation_id, upstream, ports))

    results = await gather_results(ask(part) for part in owed)
    return [each for each in results if each is not None]


def _settled(part: Owed, data: JsonObject) -> JsonObject | None:
    """Return what to record for a part; None if its cost is not available yet and there are more tries.

    Source: OpenRouter "Get a generation": ``native_tokens_*`` are the counts of the model's own
    tokenizer. They are the tokens that are billed.
    """
    cost_usd = cost_or_none(number_or_none(data.get("total_cost")))
    if cost_usd is None and not part.is_last_try:
        return None
    estimated = part.worst_micros if cost_usd is None else 0
    return {
        "id": part.generation_id,
        "ticket": part.ticket,
        "micros": estimated if cost_usd is None else micros_of(cost_usd),
        "guessed": estimated,
        "given_up": int(cost_usd is None),
        **{
            kind: 0 if part.has_tokens else tokens_in(data, f"native_tokens_{kind}")
            for kind in ("prompt", "completion", "reasoning", "cached")
        },
    }


async def _generation(generation_id: str, upstream: Upstream, ports: Ports) -> JsonObject:
    """Return OpenRouter's data about a generation; empty if it has none yet, or the lookup fails."""
    try:
        async with ports.within(ASK_TIMEOUT_S):
            reply, raw = await get(upstream, f"/generation?id={generation_id}", ports)
        return object_or_empty(object_or_empty(parse_json(raw)).get("data")) if reply.status == 200 else {}
    except (TransportError, TimeoutError, ValueError):
        return {}
