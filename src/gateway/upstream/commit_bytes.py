"""Reads a reply whose answer is bytes, such as audio.

An answer is read to its end before the client gets any of it. A client could not tell the beginning of an
answer from a complete one: the runtime ends every response body as if it were complete, also after an error.
"""

import re

from gateway.dialects.error_forms import error_in
from gateway.dialects.plain_answer import Completion
from gateway.faults.classify import classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_bytes import parse_json
from gateway.http.long_strings import NONE
from gateway.http.message import Reply, ReplyTooLargeError
from gateway.upstream.commit import MAX_ERROR_BYTES, fault_in

# What may be audio. Some providers say no more than that it is bytes.
# Source: OpenRouter API reference, "Create speech": `audio/*`.
_AUDIO = re.compile(
    r"(?:audio/[a-z0-9.+-]{1,60}+|application/octet-stream)(?:[ \t]*+;[!-~ ]{1,100}+)?+", re.IGNORECASE
)


async def commit_bytes(reply: Reply, *, max_bytes: int, now_s: float) -> Completion:
    """Return the complete answer in a reply.

    Raises:
        AttemptFailedError: the reply is an error, or no audio, or empty, or larger than ``max_bytes``.
        TransportError: the connection failed before the end.
    """
    if reply.status != 200:
        raise AttemptFailedError(await fault_in(reply, now_s=now_s))
    media_type = (reply.header("content-type") or "").strip()
    if not _AUDIO.fullmatch(media_type):
        raise AttemptFailedError(await _fault_in_json(reply, media_type, now_s=now_s))
    try:
        raw = await reply.read_all(max_bytes)
    except ReplyTooLargeError:
        raise AttemptFailedError(Fault(code="answer_too_large")) from None
    if not raw:
        raise AttemptFailedError(Fault(code="empty_answer"))
    return Completion(payload={}, raw=raw, long=NONE, media_type=media_type)


async def _fault_in_json(reply: Reply, media_type: str, *, now_s: float) -> Fault:
    """Return the fault that a reply with status 200 reports, or that it is no audio."""
    wrong = Fault(code="wrong_content_type")
    if "json" not in media_type.lower():
        return wrong
    try:
        error = error_in(parse_json(await reply.read_all(MAX_ERROR_BYTES)))
    except (ReplyTooLargeError, ValueError):
        return wrong
    return classify(error, status=None, header=reply.header, now_s=now_s) if error else wrong
