"""Records a request in the ledger, tells the budgets that its row is there, and sends due alerts."""

from gateway.fallback.receipt import Receipt
from gateway.ledger.budget_alerts import send_alerts
from gateway.ledger.row import row_of
from gateway.ledger.write import Written, count_lost_row, write_row
from gateway.pipeline.call import Call
from gateway.pipeline.prepare import Prepared


async def record_request(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    """Write the row of a request that has ended. Never raises."""
    ports, spending = call.ports, call.memory.spending
    try:
        row = row_of(prepared, receipt, outcome)
    except Exception as error:  # noqa: BLE001  # a bug in the gateway: the row is lost, and is counted as lost
        ports.log_bug(error)
        count_lost_row(type(error).__name__, ports, call.memory.lost_writes)
        return
    written = await write_row(row, ports, call.memory.lost_writes)
    for account in prepared.hold.accounts:
        if written is Written.UNKNOWN:
            spending.give_up(account.key, prepared.ticket)
        elif written is not Written.NOTHING:
            spending.written(account.key, prepared.ticket)
    if written is not Written.NOTHING:
        await send_alerts(prepared.hold.accounts, call.settings.alert_webhook_url, ports, spending)
