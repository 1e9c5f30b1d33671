"""Sends a message to a webhook when 50, 80 or 100 % of a budget is spent.

Each threshold of a budget is announced once per day or month, even if many isolates pass it.
"""

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
# A claimed alert must be sent within the 30 s that the runtime allows for work after a response. The ledger's
# write comes first and takes at most 19 s (5 + 1 + 5 + 3 + 5). Here the sum and the claim take at most 2 s
# each, and all tries of a message together 6.5 s: 29.5 s in all. That is why all budgets and all messages are
# handled concurrently.
LEDGER_TIMEOUT_S = 2.0
POST_TIMEOUT_S = 6.5
POST_TRIES = 3
POST_PAUSE_S = 0.25
_SUM = "SELECT coalesce(sum(cost_micros), 0) AS micros FROM spend WHERE day >= ? AND day <= ?"
# If several isolates claim the same alert, only one gets the row back. That isolate sends the message.
_CLAIM = (
    "INSERT INTO alerts (key, period, threshold, at_ms) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO NOTHING RETURNING threshold"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    """A threshold of a budget that was passed; ``limit`` and ``spent`` are micro-dollars."""

    key: str
    span: Span
    percent: Json
    limit: int
    spent: int

    def text(self, now_s: float) -> str:
        whose = "of all keys together" if self.key == EVERYBODY else f"of the key {self.key}"
        adjective = "daily" if self.span == "day" else "monthly"
        return (
            f"openrouter-edge: {self.percent} % of the {adjective} budget {whose} is spent: "
            f"${self.spent / MICROS:.2f} of ${self.limit / MICROS:.2f}. "
            f"The budget resets at {shown_time(resets_at(self.span, now_s))}."
        )


async def send_alerts(
    accounts: tuple[Account, ...], webhook_url: str, ports: Ports, spending: Spending
) -> None:
    """Send an alert for each threshold that the ledger's sums have passed and that was not announced yet.

    Nothing is sent without a webhook, or without a ledger: it decides which isolate sends. Never raises.

    Args:
        accounts: the budgets of the request that has just been recorded.
        webhook_url: where to send the messages; empty: nowhere.
        ports: the ports of the request.
        spending: what this isolate knows of the sums. It selects the budgets for which the ledger is read.
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
    """Return the thresholds that are passed, in percent. A budget of 0 has none."""
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
    alerts = [
        _Alert(key=key, span=span, percent=row["threshold"], limit=limit, spent=spent)
        for rows in claimed
        for row in rows
    ]
    await asyncio.gather(*(_post(each.text(now_s), webhook_url, ports) for each in alerts))


def _sum_of(key: str, span: Span, now_s: float) -> Statement:
    today = period_of("day", now_s)
    first = today if span == "day" else f"{period_of('month', now_s)}-01"
    return (_SUM, (first, today)) if key == EVERYBODY else (f"{_SUM} AND key = ?", (first, today, key))


async def _post(text: str, webhook_url: str, ports: Ports) -> None:
    """Send a message in Slack's format; log a failure.

    Source: Slack "Sending messages using incoming webhooks".
    """
    parts = urlsplit(webhook_url)
    path = parts.path or "/"
    request = UpstreamRequest(
        upstream=Upstream(base_url=f"{parts.scheme}://{parts.netloc}", api_key="", name="webhook"),
        method="POST",
        path=f"{path}?{parts.query}" if parts.query else path,
        headers=(("content-type", "application/json"),),
        body=to_json_bytes({"text": text}),
    )
    is_delivered = False
    with suppress(TimeoutError):  # the message may have arrived, so it is not sent again
        async with ports.within(POST_TIMEOUT_S):
            is_delivered = await _send_with_retries(request, ports)
    if not is_delivered:
        ports.log("alert_failed", error="webhook")


async def _send_with_retries(request: UpstreamRequest, ports: Ports) -> bool:
    """Send a message until the webhook accepts it, at most ``POST_TRIES`` times; return whether it did."""
    for number in range(POST_TRIES):
        if number:
            await asyncio.sleep(POST_PAUSE_S)
        with suppress(TransportError):
            reply, _ = await send_and_read(request, ports)
            if reply.status < 300:
                return True
    return False
