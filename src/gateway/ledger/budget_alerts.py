"""Sends an alert when a part of a budget is spent: once a period, however many isolates there are."""

from contextlib import suppress
from urllib.parse import urlsplit

from gateway.http.frozen import dataclass
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import number_or_none
from gateway.http.message import TransportError, Upstream, UpstreamRequest
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.spending import EVERYBODY, Spending
from gateway.memory.waiting import gather_results, pause
from gateway.pipeline.budget import Account
from gateway.settings.budget import Span, period_of, resets_at, shown_time, shown_usd

THRESHOLDS = (50, 80, 100)  # percent
# An alert must be sent within the 30 s that the runtime allows for background work after a response. The
# ledger's write comes first and takes 19 s at most (5 + 1 + 5 + 3 + 5). Here the sum, the claim and the
# confirmation take 2 s each, and all tries of a message 4.5 s: 29.5 s. So budgets and messages are handled at
# the same time.
LEDGER_TIMEOUT_S = 2.0
POST_TIMEOUT_S = 4.5
POST_TRIES = 3
POST_PAUSE_S = 0.25
# An alert that the webhook did not take is sent again after this time, by the next request that passes it.
RESEND_S = 60.0
_SUM = "SELECT coalesce(sum(cost_micros), 0) AS micros FROM spend WHERE day >= ? AND day <= ?"
# One of all isolates gets the row back, and sends the message. Until it confirms that the webhook took the
# message, the alert is pending.
_CLAIM = (
    "INSERT INTO alerts (key, period, threshold, at_ms, pending_at_ms) VALUES (?1, ?2, ?3, ?4, ?4) "
    "ON CONFLICT (key, period, threshold) DO UPDATE SET pending_at_ms = excluded.pending_at_ms "
    "WHERE pending_at_ms <= ?5 RETURNING threshold"
)
_CONFIRM = "UPDATE alerts SET pending_at_ms = NULL WHERE key = ? AND period = ? AND threshold = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    """One message: which part of which budget is spent. Amounts are micro-dollars."""

    key: str
    span: Span
    percent: int
    limit: int
    spent: int

    def text(self, now_s: float) -> str:
        """Return the message."""
        whose = "of all keys together" if self.key == EVERYBODY else f"of the key {self.key}"
        adjective = "daily" if self.span == "day" else "monthly"
        return (
            f"openrouter-edge: {self.percent} % of the {adjective} budget {whose} is spent: "
            f"{shown_usd(self.spent)} of {shown_usd(self.limit)}. "
            f"The budget resets at {shown_time(resets_at(self.span, now_s))}."
        )


async def send_alerts(
    accounts: tuple[Account, ...], webhook_url: str, ports: Ports, spending: Spending
) -> None:
    """Send an alert for each threshold that the ledger's sums have passed and no alert was sent for.

    Without a webhook, or without a ledger, nothing is sent. Never raises.
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
    await gather_results(
        _send_alerts_for(key, span, limit, webhook_url, ports) for key, span, limit in passed
    )


def _passed(limit: int, spent: int) -> tuple[int, ...]:
    """Return the thresholds that are passed; a budget of nothing has none."""
    return tuple(percent for percent in THRESHOLDS if limit and spent * 100 >= limit * percent)


async def _send_alerts_for(key: str, span: Span, limit: int, webhook_url: str, ports: Ports) -> None:
    now_s = ports.now_s()
    period, now_ms, resend_ms = period_of(span, now_s), round(now_s * 1000), round((now_s - RESEND_S) * 1000)
    try:
        ((row,),) = await query_database([_sum_of(key, span, now_s)], ports, within_s=LEDGER_TIMEOUT_S)
        spent = int(number_or_none(row.get("micros")) or 0)
        claims: list[Statement] = [
            (_CLAIM, (key, period, percent, now_ms, resend_ms)) for percent in _passed(limit, spent)
        ]
        claimed = await query_database(claims, ports, within_s=LEDGER_TIMEOUT_S) if claims else []
        percents = [int(number_or_none(row["threshold"]) or 0) for rows in claimed for row in rows]
        alerts = [_Alert(key=key, span=span, percent=each, limit=limit, spent=spent) for each in percents]
        taken = await gather_results(_post(each.text(now_s), webhook_url, ports) for each in alerts)
        confirmed: list[Statement] = [
            (_CONFIRM, (key, period, each.percent))
            for each, is_taken in zip(alerts, taken, strict=True)
            if is_taken
        ]
        if confirmed:
            await query_database(confirmed, ports, within_s=LEDGER_TIMEOUT_S)
    except (DatabaseError, TimeoutError) as error:
        ports.log("alert_failed", error=type(error).__name__)


def _sum_of(key: str, span: Span, now_s: float) -> Statement:
    today = period_of("day", now_s)
    first = today if span == "day" else f"{period_of('month', now_s)}-01"
    return (_SUM, (first, today)) if key == EVERYBODY else (f"{_SUM} AND key = ?", (first, today, key))


async def _post(text: str, webhook_url: str, ports: Ports) -> bool:
    """Send a message as Slack takes it; return whether it was taken, or may have been.

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
    try:
        async with ports.within(POST_TIMEOUT_S):
            is_taken = await _is_taken(request, ports)
    except TimeoutError:
        is_taken = True  # it may have arrived, and must not arrive twice
        ports.log("alert_failed", error="TimeoutError")
    if not is_taken:
        ports.log("alert_failed", error="webhook")
    return is_taken


async def _is_taken(request: UpstreamRequest, ports: Ports) -> bool:
    """Send a message until it is taken, ``POST_TRIES`` times at most; return whether it was.

    The body of the reply is not read: it may be of any size.
    """
    for number in range(POST_TRIES):
        if number:
            await pause(POST_PAUSE_S, ports)
        with suppress(TransportError):
            reply = await ports.transport.send(request)
            reply.abort()
            if reply.status < 300:
                return True
    return False
