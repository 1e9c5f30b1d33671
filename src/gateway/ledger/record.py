"""Writes the row of an ended request to the ledger, updates the budgets' sums, and sends budget alerts."""

from gateway.fallback.receipt import Receipt
from gateway.ledger.budget_alerts import send_alerts
from gateway.ledger.row import row_of
from gateway.ledger.write import count_lost_row, write_row
from gateway.pipeline.call import Call
from gateway.pipeline.prepare import Prepared


async def record_request(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    """Write the row of a request that has ended, then update its budgets and send their alerts.

    A row that cannot be made or written is counted and logged as lost. Never raises.
    """
    ports = call.ports
    try:
        row = row_of(prepared, receipt, outcome)
    except Exception as error:  # noqa: BLE001  # a bug: the row is lost, which is counted and logged
        ports.log_bug(error)
        count_lost_row(type(error).__name__, ports, call.memory.lost_writes)
        return
    if not await write_row(row, ports, call.memory.lost_writes):
        return
    for account in prepared.accounts:
        call.memory.spending.written(account.key, prepared.ticket)
    await send_alerts(prepared.accounts, call.settings.alert_webhook_url, ports, call.memory.spending)
