"""settle_ledger: ask OpenRouter later what attempts cost whose usage was not seen; and forget what is old."""

import asyncio

from gateway.answers import parse_json
from gateway.budget import MICROS, period_of
from gateway.get import get
from gateway.ports import DatabaseError, Ports, Statement, TransportError
from gateway.wire import JsonObject, Upstream, number_or_none, object_or_empty

# A run of the cron trigger: the free plan allows it 50 calls.
MOST_A_RUN = 30
ASK_TIMEOUT_S = 10.0
DATABASE_TIMEOUT_S = 10.0
# After each try OpenRouter is left alone for so long; after the last the worst case is booked.
BACK_OFF_S = (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 86_400.0)
FORGET_AT_ONCE = 5_000
KEPT_SPEND_DAYS = 400  # sums are small, and a year is what people compare
DAY_S = 86_400.0

# Claimed and read in one statement: of two runs at once each gets its own.
_CLAIM = (
    "UPDATE unsettled SET tries = tries + 1, next_at_ms = ? WHERE generation_id IN (SELECT generation_id "
    "FROM unsettled WHERE next_at_ms <= ? ORDER BY next_at_ms LIMIT ?) RETURNING *"
)
_POSTPONE = "UPDATE unsettled SET next_at_ms = ? WHERE generation_id = ?"
# Each books only while the part is still owed, so that a second run changes nothing.
_OWED = "EXISTS (SELECT 1 FROM unsettled WHERE generation_id = ?)"
_BOOK_SPEND = f"UPDATE spend SET cost_micros = cost_micros + ? WHERE key = ? AND day = ? AND {_OWED}"  # noqa: S608  # our own text
_BOOK_REQUEST = (
    "UPDATE requests SET cost_micros = cost_micros + ?, prompt_tokens = prompt_tokens + ?, "  # noqa: S608  # our own text
    "completion_tokens = completion_tokens + ?, reasoning_tokens = reasoning_tokens + ?, "
    "cost_state = CASE cost_state WHEN 'estimated' THEN cost_state ELSE ? END "
    f"WHERE ticket = ? AND {_OWED}"
)
_BOOKED = "DELETE FROM unsettled WHERE generation_id = ?"
# Once nothing is owed any more a request's cost is known, unless a part of it was guessed.
_CLOSE = (
    "UPDATE requests SET cost_state = 'known' WHERE ticket = ? AND cost_state = 'pending' "
    "AND NOT EXISTS (SELECT 1 FROM unsettled WHERE ticket = ?)"
)


async def settle_ledger(upstream: Upstream, ports: Ports) -> int:
    """Book what OpenRouter now says, or the worst case where it never did; return how many parts are settled.

    Never raises.
    """
    if not ports.database.bound:
        return 0
    now_ms = round(ports.now_s() * 1000)
    claim: Statement = (_CLAIM, (now_ms + round(BACK_OFF_S[0] * 1000), now_ms, MOST_A_RUN))
    try:
        (claimed,) = await _batch([claim], ports)
        settled = [await _settle(each, upstream, ports) for each in claimed]
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_settled", error=type(error).__name__)
        return 0
    return sum(settled)


async def forget_old(days: int, ports: Ports) -> None:
    """Delete what is older than so many days, a part of it at a time. Never raises."""
    if not ports.database.bound:
        return
    now_s = ports.now_s()
    before_ms = round((now_s - days * DAY_S) * 1000)
    old = "SELECT id FROM requests WHERE at_ms < ? ORDER BY at_ms LIMIT ?"
    oldest_day = period_of("day", now_s - KEPT_SPEND_DAYS * DAY_S)
    try:
        await _batch(
            [
                (f"DELETE FROM requests WHERE id IN ({old})", (before_ms, FORGET_AT_ONCE)),  # noqa: S608  # our own text
                ("DELETE FROM spend WHERE day < ?", (oldest_day,)),
                ("DELETE FROM alerts WHERE period < ?", (oldest_day,)),
            ],
            ports,
        )
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_settled", error=type(error).__name__)


async def _settle(owed: JsonObject, upstream: Upstream, ports: Ports) -> bool:
    """Book one part, if its cost is to be had or is given up; return whether it was."""
    generation_id = str(owed["generation_id"])
    data = await _generation(generation_id, upstream, ports)
    cost_usd = number_or_none(data.get("total_cost"))
    tries = int(number_or_none(owed["tries"]) or 0)
    if cost_usd is None and tries < len(BACK_OFF_S):
        next_at_ms = round((ports.now_s() + BACK_OFF_S[tries]) * 1000)
        await _batch([(_POSTPONE, (next_at_ms, generation_id))], ports)
        return False
    worst_micros = int(number_or_none(owed["worst_micros"]) or 0)
    micros = worst_micros if cost_usd is None else round(cost_usd * MICROS)
    state = "estimated" if cost_usd is None else "pending"
    tokens = [int(number_or_none(data.get(f"native_tokens_{kind}")) or 0) for kind in TOKENS]
    ticket, key, day = str(owed["ticket"]), str(owed["key"]), str(owed["day"])
    await _batch(
        [
            (_BOOK_SPEND, (micros, key, day, generation_id)),
            (_BOOK_REQUEST, (micros, *tokens, state, ticket, generation_id)),
            (_BOOKED, (generation_id,)),
            (_CLOSE, (ticket, ticket)),
        ],
        ports,
    )
    return True


TOKENS = ("prompt", "completion", "reasoning")


async def _generation(generation_id: str, upstream: Upstream, ports: Ports) -> JsonObject:
    """Return what OpenRouter says of a generation; nothing where it does not know it yet."""
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            reply, raw = await get(upstream, f"/generation?id={generation_id}", ports)
        return object_or_empty(object_or_empty(parse_json(raw)).get("data")) if reply.status == 200 else {}
    except (TransportError, TimeoutError, ValueError):
        return {}


async def _batch(statements: list[Statement], ports: Ports) -> list[list[JsonObject]]:
    async with asyncio.timeout(DATABASE_TIMEOUT_S):
        return await ports.database.batch(statements)
