"""Alerts: a message when a part of a budget is spent, once a period, however many isolates there are."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from gateway.http.frozen import dataclass
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json, number_or_none
from gateway.http.message import TransportError, Upstream, UpstreamRequest
from gateway.memory.database import query_database
from gateway.memory.get import send_and_read
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.spending import EVERYBODY, Spending
from gateway.pipeline.budget import Account
from gateway.settings.budget import MICROS, Span, period_of, resets_at, shown_time

THRESHOLDS = (50, 80, 100)  # percent
# What is claimed must be said within the 30 s that the runtime leaves to work beside a response. Before it
# comes the ledger's write, 19 s at the most (5 + 1 + 5 + 3 + 5); here the sum and the claim take 2 s each,
# and all tries of a message 6.5 s: 29.5 s. Budgets and messages are therefore seen to all at once.
LEDGER_TIMEOUT_S = 2.0
POST_TIMEOUT_S = 6.5
POST_TRIES = 3
POST_PAUSE_S = 0.25
_SUM = "SELECT coalesce(sum(cost_micros), 0) AS micros FROM spend WHERE day >= ? AND day <= ?"
# Of all isolates that come here one gets the row back: it sends the message.
_CLAIM = (
    "INSERT INTO alerts (key, period, threshold, at_ms) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING RETURNING threshold"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    key: str
    span: Span
    percent: Json
    limit: int
    spent: int

    def text(self, now_s: float) -> str:
        whose = "of all keys together" if self.key == EVERYBODY else f"of the key {self.key}"
        adjective = "daily" if self.span == "day" else "monthly"
        return (
            f"openrouter-edge: {self.percent} % of the {adjective} budget {whose} are spent: "
            f"${self.spent / MICROS:.2f} of ${self.limit / MICROS:.2f}. "
            f"It begins anew at {shown_time(resets_at(self.span, now_s))}."
        )


async def send_alerts(
    accounts: tuple[Account, ...], webhook_url: str, ports: Ports, spending: Spending
) -> None:
    """Say which thresholds the ledger's sums have passed and nobody has said yet.

    Without a webhook, or a ledger to agree by, nothing is said. Never raises.
    """
    if not webhook_url or not ports.database.bound:
        return
    now_s = ports.now_s()
    passed = [
        (account.key, span, limit)
        for account in accounts
        for span, limit in account.budget.limits()
        if _passed(limit, spending.spent(account.key, span, now_s=now_s))
    ]
    await asyncio.gather(
        *(_send_alerts_for(key, span, limit, webhook_url, ports) for key, span, limit in passed)
    )


def _passed(limit: int, spent: int) -> tuple[int, ...]:
    """Return the thresholds that are passed; a budget of nothing has none."""
    return tuple(percent for percent in THRESHOLDS if limit and spent * 100 >= limit * percent)


async def _send_alerts_for(key: str, span: Span, limit: int, webhook_url: str, ports: Ports) -> None:
    now_s = ports.now_s()
    period = period_of(span, now_s)
    try:
        ((row,),) = await query_database([_sum_of(key, span, now_s)], ports, within_s=LEDGER_TIMEOUT_S)
        spent = int(number_or_none(row.get("micros")) or 0)
        claims: list[Statement] = [
            (_CLAIM, (key, period, percent, round(now_s * 1000))) for percent in _passed(limit, spent)
        ]
        claimed = await query_database(claims, ports, within_s=LEDGER_TIMEOUT_S) if claims else []
    except (DatabaseError, TimeoutError) as error:
        ports.log("alert_failed", error=type(error).__name__)
        return
    said = [
        _Alert(key=key, span=span, percent=row["threshold"], limit=limit, spent=spent)
        for rows in claimed
        for row in rows
    ]
    await asyncio.gather(*(_post(each.text(now_s), webhook_url, ports) for each in said))


def _sum_of(key: str, span: Span, now_s: float) -> Statement:
    today = period_of("day", now_s)
    first = today if span == "day" else f"{period_of('month', now_s)}-01"
    return (_SUM, (first, today)) if key == EVERYBODY else (f"{_SUM} AND key = ?", (first, today, key))


async def _post(text: str, webhook_url: str, ports: Ports) -> None:
    """Send a message as Slack takes it. Source: Slack "Sending messages using incoming webhooks"."""
    parts = urlsplit(webhook_url)
    path = parts.path or "/"
    request = UpstreamRequest(
        upstream=Upstream(base_url=f"{parts.scheme}://{parts.netloc}", api_key="", name="webhook"),
        method="POST",
        path=f"{path}?{parts.query}" if parts.query else path,
        headers=(("content-type", "application/json"),),
        body=to_json_bytes({"text": text}),
    )
    is_taken = False
    with suppress(TimeoutError):  # it may have arrived: nobody sends it again
        async with ports.within(POST_TIMEOUT_S):
            is_taken = await _is_taken(request, ports)
    if not is_taken:
        ports.log("alert_failed", error="webhook")


async def _is_taken(request: UpstreamRequest, ports: Ports) -> bool:
    """Send a message until it is taken, so many times at the most; return whether it was."""
    for number in range(POST_TRIES):
        if number:
            await asyncio.sleep(POST_PAUSE_S)
        with suppress(TransportError):
            reply, _ = await send_and_read(request, ports)
            if reply.status < 300:
                return True
    return False
