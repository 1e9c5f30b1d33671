"""When a request has ended: what became of it is remembered, and told."""

from gateway.attempts import Receipt
from gateway.check_budget import settle
from gateway.ports import Ports
from gateway.prepare import Prepared
from gateway.wire import JsonObject


def close(prepared: Prepared, receipt: Receipt, outcome: str, ports: Ports) -> None:
    """Take note of a request that has ended; ``outcome`` is ``answered``, or the code of what it ended in."""
    settle(prepared.accounts, receipt, prepared.ticket, ports)
    ports.rates.end(prepared.caller.name, prepared.ticket)
    if prepared.session and receipt.serving and outcome == "answered":
        ports.sessions.note(prepared.session, receipt.serving.model, now_s=ports.now_s())
    fields: JsonObject = {"caller": prepared.caller.name, "outcome": outcome, "stream": prepared.chat.stream}
    ports.log("request_done", **fields, **receipt.to_json())
