"""settle_ledger: ask OpenRouter later what attempts cost whose usage was not seen, and book it."""

import asyncio
import json

from gateway.fallback.attempt import cost_or_none, tokens_in
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty
from gateway.http.message import TransportError, Upstream
from gateway.memory.database import query_database
from gateway.memory.get import get
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.settings.budget import micros_of

# Of one run of the cron trigger: the free plan allows it 50 calls, and the list of models may need some.
MAX_A_RUN = 40
ASKED_AT_ONCE = 5  # of the six connections that the runtime allows
ASK_TIMEOUT_S = 10.0
# When OpenRouter is asked, counted from the request's end, then from the try before; after the last try the
# worst case is booked. Its `/generation` knows an answer after one to eight minutes.
BACK_OFF_S = (60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 86_400.0)

_PAUSES = " ".join(f"WHEN {tries} THEN {pause_s * 1000:.0f}" for tries, pause_s in enumerate(BACK_OFF_S[1:]))
# Claimed, put off and read in one statement: of two runs at once each gets its own, and what a run that dies
# has claimed is asked for again.
CLAIM = (
    f"UPDATE unsettled SET next_at_ms = ? + CASE tries {_PAUSES} ELSE {BACK_OFF_S[0] * 1000:.0f} END, "  # noqa: S608  # our own numbers
    "tries = tries + 1 WHERE generation_id IN (SELECT generation_id FROM unsettled "
    "WHERE next_at_ms <= ? ORDER BY next_at_ms LIMIT ?) RETURNING *"
)
# What is settled is one JSON array, so that a run needs four statements whatever it settles: D1's free plan
# allows 50 an invocation. Joined with what is still owed: a second booking of the same books nothing.
_SETTLED = (
    "SELECT unsettled.{by}, {sums} FROM json_each(?) AS said "
    "JOIN unsettled ON unsettled.generation_id = json_extract(said.value, '$.id') GROUP BY 1{by_too}"
)


def _sum_of(*names: str) -> str:
    return ", ".join(f"sum(json_extract(said.value, '$.{name}')) AS {name}" for name in names)


_ADD_TO_SPEND = (
    "UPDATE spend SET cost_micros = cost_micros + settled.micros FROM "  # noqa: S608  # our own text
    f"({_SETTLED.format(by='key, unsettled.day', sums=_sum_of('micros'), by_too=', 2')}) AS settled "
    "WHERE spend.key = settled.key AND spend.day = settled.day"
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
_OWE_NO_MORE = (
    "DELETE FROM unsettled WHERE generation_id IN (SELECT json_extract(value, '$.id') FROM json_each(?))"
)
# Once nothing is owed any more a request's cost is known, unless a part of it was guessed.
_CLOSE = (
    "UPDATE requests SET cost_state = 'known' WHERE cost_state = 'pending' "
    "AND ticket IN (SELECT json_extract(value, '$.ticket') FROM json_each(?)) "
    "AND NOT EXISTS (SELECT 1 FROM unsettled WHERE unsettled.ticket = requests.ticket)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A part of a request's cost that OpenRouter is asked for, and whether for the last time.

    Attributes:
        has_tokens: whether its tokens were booked with the request: an answer may say them and no cost.
    """

    generation_id: str
    ticket: str
    worst_micros: int
    has_tokens: bool
    is_last_try: bool

    @classmethod
    def of(cls, row: JsonObject) -> "Owed":
        """Return what a row of ``unsettled`` stands for."""
        return cls(
            generation_id=str(row["generation_id"]),
            ticket=str(row["ticket"]),
            worst_micros=int(number_or_none(row["worst_micros"]) or 0),
            has_tokens=bool(row.get("has_tokens")),
            is_last_try=(number_or_none(row["tries"]) or 0) >= len(BACK_OFF_S),
        )


async def settle_costs(upstream: Upstream, ports: Ports) -> int:
    """Book what OpenRouter now says, or the worst case where it never did; return how many parts are settled.

    Never raises.
    """
    if not ports.database.bound:
        return 0
    now_ms = round(ports.now_s() * 1000)
    try:
        (claimed,) = await query_database([(CLAIM, (now_ms, now_ms, MAX_A_RUN))], ports)
        settled = await _ask_for_all([Owed.of(row) for row in claimed], upstream, ports)
        if settled:
            await query_database(settlement_statements(settled), ports)
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_settled", error=type(error).__name__)
        return 0
    return len(settled)


def settlement_statements(settled: list[Json]) -> list[Statement]:
    """Return the statements that book what is settled; the same again books nothing."""
    text = json.dumps(settled)
    return [(sql, (text,)) for sql in (_ADD_TO_SPEND, _ADD_TO_REQUESTS, _OWE_NO_MORE, _CLOSE)]


async def _ask_for_all(owed: list[Owed], upstream: Upstream, ports: Ports) -> list[Json]:
    """Return what is settled now, a few being asked for at once."""
    turns = asyncio.Semaphore(ASKED_AT_ONCE)

    async def ask(part: Owed) -> JsonObject | None:
        async with turns:
            return _settled(part, await _generation(part.generation_id, upstream, ports))

    said = await asyncio.gather(*(ask(part) for part in owed))
    return [each for each in said if each is not None]


def _settled(part: Owed, data: JsonObject) -> JsonObject | None:
    """Return what is booked for a part; None where it is not to be had yet.

    Source: OpenRouter "Get a generation": tokens as the model's own tokenizer counts them, which are billed.
    """
    cost_usd = cost_or_none(number_or_none(data.get("total_cost")))
    if cost_usd is None and not part.is_last_try:
        return None
    guessed = part.worst_micros if cost_usd is None else 0
    return {
        "id": part.generation_id,
        "ticket": part.ticket,
        "micros": guessed if cost_usd is None else micros_of(cost_usd),
        "guessed": guessed,
        "given_up": int(cost_usd is None),
        **{
            kind: 0 if part.has_tokens else tokens_in(data, f"native_tokens_{kind}")
            for kind in ("prompt", "completion", "reasoning", "cached")
        },
    }


async def _generation(generation_id: str, upstream: Upstream, ports: Ports) -> JsonObject:
    """Return what OpenRouter says of a generation; nothing where it does not know it yet."""
    try:
        async with ports.within(ASK_TIMEOUT_S):
            reply, raw = await get(upstream, f"/generation?id={generation_id}", ports)
        return object_or_empty(object_or_empty(parse_json(raw)).get("data")) if reply.status == 200 else {}
    except (TransportError, TimeoutError, ValueError):
        return {}
