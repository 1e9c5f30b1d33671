"""When a request has ended: what became of it is remembered, told, and booked."""

from gateway.alerts import alert
from gateway.call import Call
from gateway.check_budget import settle
from gateway.ledger_row import row_of
from gateway.prepare import Prepared
from gateway.receipt import Receipt
from gateway.wire import JsonObject
from gateway.write_ledger import lose, write_ledger


def close(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    """Take note of a request that has ended; ``outcome`` is ``answered``, or the code of what it ended in.

    Only the first call for a request counts. The ledger is written beside it: no answer waits for that.
    """
    if receipt.closed:
        return
    receipt.closed = True
    ports, caller = call.ports, prepared.caller
    if outcome != "answered":
        receipt.time_until(ports.now_s())
    settle(prepared.accounts, receipt, prepared.ticket, ports)
    ports.rates.end(caller.name, prepared.ticket)
    if prepared.session and receipt.served and outcome == "answered":
        ports.sessions.note(prepared.session, receipt.served, now_s=ports.now_s())
    fields: JsonObject = {"caller": caller.name, "outcome": outcome, "stream": prepared.chat.stream}
    ports.log("request_done", **fields, **receipt.to_json())
    if ports.database.bound:
        ports.after(lambda: _book(call, prepared, receipt, outcome))


async def _book(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    """Write the row; then the budgets' sums hold it, and alerts may be due."""
    ports = call.ports
    try:
        row = row_of(prepared, receipt, outcome)
    except Exception as error:  # noqa: BLE001  # our own bug: the row is lost, and that is said
        ports.log_bug(error)
        lose(type(error).__name__, ports)
        return
    if not await write_ledger(row, ports):
        return
    for account in prepared.accounts:
        ports.budgets.written(account.key, prepared.ticket, now_s=ports.now_s())
    await alert(prepared.accounts, call.settings.alert_webhook_url, ports)
