"""When a request has ended: what became of it is remembered, told, and booked."""

from gateway.fallback.receipt import Receipt
from gateway.http.json_values import JsonObject
from gateway.pipeline.budget import settle
from gateway.pipeline.call import Call
from gateway.pipeline.prepare import Prepared


def close_request(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    """Take note of a request that has ended; ``outcome`` is ``answered``, or the code of what it ended in.

    Only the first call for a request counts. The ledger is written beside it: no answer waits for that.
    """
    if receipt.closed:
        return
    receipt.closed = True
    ports, memory, caller = call.ports, call.memory, prepared.caller
    receipt.time_until(ports.now_s())  # a stream that was handed over was last timed at its first word
    settle(prepared.accounts, receipt, prepared.ticket, memory.spending, now_s=ports.now_s())
    memory.rates.end(caller.name, prepared.ticket)
    if prepared.session and receipt.served and outcome == "answered":
        memory.sessions.note(prepared.session, receipt.served, now_s=ports.now_s())
    fields: JsonObject = {"caller": caller.name, "outcome": outcome, "stream": prepared.chat.stream}
    ports.log("request_done", **fields, **receipt.to_json())
    if ports.database.bound:
        ports.run_in_background(lambda: _record(call, prepared, receipt, outcome))


async def _record(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    from gateway.ledger.record import record_request  # noqa: PLC0415  # only who has a ledger pays for importing its writer

    await record_request(call, prepared, receipt, outcome)
