"""Closes a request that has ended: updates the isolate's memory, logs it, and records it in the ledger."""

from gateway.fallback.receipt import Receipt
from gateway.http.json_values import JsonObject
from gateway.memory.answer_lengths import AnswerLengths
from gateway.memory.prompt_sizes import PromptSizes
from gateway.memory.sessions import Sessions
from gateway.pipeline.call import Call
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.session import Session


def close_request(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    """Close a request that has ended. Only the first call for a request has an effect.

    The ledger is written in the background: no response waits for it.

    Args:
        call: the request and its ports.
        prepared: the request, parsed and planned.
        receipt: what the request tried.
        outcome: ``answered``, or the code of the error that the request ended with.
    """
    if receipt.closed:
        return
    receipt.closed = True
    ports, memory, caller = call.ports, call.memory, prepared.caller
    receipt.time_until(ports.now_s())  # a natively piped stream was last timed at its first progress
    prepared.hold.settle(receipt)
    _note_lengths(prepared, receipt, memory.answer_lengths, now_s=ports.now_s())
    if prepared.dialect.writes_text:
        _note_prompt_size(prepared, receipt, memory.prompt_sizes)
    memory.rates.end(caller.name, prepared.ticket)
    if prepared.session and prepared.dialect.writes_text:  # a chat of the session stays with its own model
        _note_session(prepared.session, receipt, memory.sessions, outcome, now_s=ports.now_s())
    fields: JsonObject = {"caller": caller.name, "outcome": outcome, "stream": prepared.request.stream}
    ports.log("request_done", **fields, **receipt.to_log())
    if caller.own_key is not None and outcome == "own_key_rejected":
        memory.own_keys.forget(caller.own_key)
        if receipt.served is None:  # refused as with 401: whoever has no good key writes nothing
            return
    if ports.database.bound:
        ports.run_in_background(lambda: _record(call, prepared, receipt, outcome))


def _note_session(
    session: Session, receipt: Receipt, sessions: Sessions, outcome: str, *, now_s: float
) -> None:
    """Remember which model served the session; if the request names it, also whose answer was cut off."""
    for attempt in receipt.attempts if session.name else ():
        if attempt.outcome == "cut_off":
            sessions.note_cut_off(session.digest, attempt.model, now_s=now_s)
    if receipt.served and outcome == "answered":
        sessions.note(session.digest, receipt.served, now_s=now_s)


def _note_lengths(prepared: Prepared, receipt: Receipt, lengths: AnswerLengths, *, now_s: float) -> None:
    """Remember how long the answers were, if a budget binds the caller: later requests hold money for them.

    An answer that its limit ended does not tell how long it would have been.
    """
    request = prepared.request
    if not prepared.hold.accounts or not request.choices:
        return
    for attempt in receipt.attempts:
        tokens = -(-attempt.tokens.completion // request.choices)
        is_limited = request.max_tokens is not None and 0 < request.max_tokens <= tokens
        if attempt.outcome == "answered" and tokens and not is_limited:
            lengths.note(prepared.caller.name, attempt.model, tokens, now_s=now_s)


def _note_prompt_size(prepared: Prepared, receipt: Receipt, sizes: PromptSizes) -> None:
    """Remember how many tokens the prompt took: ``count_tokens`` estimates by it."""
    prompt, extras = prepared.request.requirements.tokens, prepared.request.requirements.extras
    served = receipt.serving
    if served is None or extras or prompt.images or prompt.other_bytes:
        return
    sizes.note(served.model, text_bytes=prompt.text_bytes, tokens=served.tokens.prompt)


async def _record(call: Call, prepared: Prepared, receipt: Receipt, outcome: str) -> None:
    from gateway.ledger.record import record_request  # noqa: PLC0415  # import the writer only if there is a ledger

    await record_request(call, prepared, receipt, outcome)
