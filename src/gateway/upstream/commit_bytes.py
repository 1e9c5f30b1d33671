"""Reads a reply whose answer is bytes, such as audio: to its first piece, or to its end."""

import re

from gateway.dialects.error_forms import error_in
from gateway.dialects.plain_answer import Completion
from gateway.faults.classify import classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.content_length import body_length
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import parse_json
from gateway.http.long_strings import NONE
from gateway.http.message import Reply, ReplyTooLargeError
from gateway.upstream.commit import MAX_ERROR_BYTES, fault_in

# What may be audio. Some providers say no more than that it is bytes.
# Source: OpenRouter API reference, "Create speech": `audio/*`.
_AUDIO = re.compile(
    r"(?:audio/[a-z0-9.+-]{1,60}+|application/octet-stream)(?:[ \t]*+;[!-~ ]{1,100}+)?+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedBytes:
    """An answer of bytes that has begun; the remaining bytes are still to be read from ``reply``.

    Attributes:
        first: the bytes that have arrived so far.
        media_type: the answer's content type.
        length_bytes: how many bytes the answer has in all; None if that is unknown.
    """

    reply: Reply
    first: bytes
    media_type: str
    length_bytes: int | None


async def commit_bytes(
    reply: Reply, *, complete: bool, shows_cuts: bool, max_bytes: int, now_s: float
) -> Completion | CommittedBytes:
    """Return the answer in a reply once its first bytes have arrived, or all of them.

    Args:
        reply: the reply, whose body has not been read.
        complete: whether all of the answer must have arrived.
        shows_cuts: see ``Ports``. If not, an answer of unknown length must have arrived, too: a client could
            not tell its beginning from all of it.
        max_bytes: the limit of an answer that must have arrived.
        now_s: Unix time.

    Raises:
        AttemptFailedError: the reply is an error, or no audio, or empty, or larger than ``max_bytes``.
        TransportError: the connection failed before the commit.
    """
    if reply.status != 200:
        raise AttemptFailedError(await fault_in(reply, now_s=now_s))
    media_type = (reply.header("content-type") or "").strip()
    if not _AUDIO.fullmatch(media_type):
        raise AttemptFailedError(await _fault_in_json(reply, media_type, now_s=now_s))
    length_bytes = body_length(reply.header)
    is_relayed = not complete and (shows_cuts or length_bytes is not None)
    first = await (reply.read() if is_relayed else _read_all(reply, max_bytes))
    if not first:
        raise AttemptFailedError(Fault(code="empty_answer"))
    if is_relayed:
        return CommittedBytes(reply=reply, first=first, media_type=media_type, length_bytes=length_bytes)
    return Completion(payload={}, raw=first, long=NONE, media_type=media_type)


async def _read_all(reply: Reply, max_bytes: int) -> bytes:
    try:
        return await reply.read_all(max_bytes)
    except ReplyTooLargeError:
        raise AttemptFailedError(Fault(code="answer_too_large")) from None


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
