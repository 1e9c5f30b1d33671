"""Alerts: a message when a part of a budget is spent, once a period, however many isolates there are."""

import asyncio
from urllib.parse import urlsplit

from gateway.ask_ledger import ask_ledger
from gateway.budget import MICROS, Span, period_of, resets_at, shown_time
from gateway.budgets import EVERYBODY
from gateway.check_budget import Account
from gateway.frozen import dataclass
from gateway.json_bytes import to_json_bytes
from gateway.ports import DatabaseError, Ports, Statement, TransportError
from gateway.wire import Json, Upstream, UpstreamRequest, number_or_none

THRESHOLDS = (50, 80, 100)  # percent
POST_TIMEOUT_S = 10.0
POST_TRIES = 3
POST_PAUSE_S = 1.0
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


async def alert(accounts: tuple[Account, ...], webhook_url: str, ports: Ports) -> None:
    """Say which thresholds the ledger's sums have passed and nobody has said yet.

    Without a webhook, or a ledger to agree by, nothing is said. Never raises.
    """
    if not webhook_url or not ports.database.bound:
        return
    now_s = ports.now_s()
    for account in accounts:
        for span, limit in account.budget.limits():
            if _passed(limit, ports.budgets.spent(account.key, span, now_s=now_s)):
                await _alert_for(account.key, span, limit, webhook_url, ports)


def _passed(limit: int, spent: int) -> tuple[int, ...]:
    """Return the thresholds that are passed; a budget of nothing has none."""
    return tuple(percent for percent in THRESHOLDS if limit and spent * 100 >= limit * percent)


async def _alert_for(key: str, span: Span, limit: int, webhook_url: str, ports: Ports) -> None:
    now_s = ports.now_s()
    period = period_of(span, now_s)
    try:
        ((row,),) = await ask_ledger([_sum_of(key, span, now_s)], ports)
        spent = int(number_or_none(row.get("micros")) or 0)
        claims: list[Statement] = [
            (_CLAIM, (key, period, percent, round(now_s * 1000))) for percent in _passed(limit, spent)
        ]
        claimed = await ask_ledger(claims, ports) if claims else []
    except (DatabaseError, TimeoutError) as error:
        ports.log("alert_failed", error=type(error).__name__)
        return
    for rows in claimed:
        for row in rows:
            said = _Alert(key=key, span=span, percent=row["threshold"], limit=limit, spent=spent)
            await _post(said.text(now_s), webhook_url, ports)


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
    for _ in range(POST_TRIES):
        try:
            async with ports.within(POST_TIMEOUT_S):
                reply = await ports.transport.send(request)
                await reply.read_all()
        except (TransportError, TimeoutError):
            pass
        else:
            if reply.status < 300:
                return
        await asyncio.sleep(POST_PAUSE_S)
    ports.log("alert_failed", error="webhook")
