"""Records a request in the ledger, tells the budgets that its row is there, and sends due alerts."""

from gateway.fallback.receipt import Receipt
from gateway.ledger.budget_alerts import send_alerts
from gateway.ledger.row import row_of
from gateway.ledger.write import Written, count_lost_row, write_row
from gateway.pipeline.call import Call
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.session_budget import is_session


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
    for key in prepared.hold.counted:
        if written is Written.UNKNOWN:
            spending.give_up(key, prepared.ticket)
        elif written is not Written.NOTHING:
            spending.written(key, prepared.ticket)
    if written is not Written.NOTHING:
        accounts = tuple(each for each in prepared.hold.accounts if not is_session(each.key))
        await send_alerts(accounts, call.settings.alert_webhook_url, ports, spending)
