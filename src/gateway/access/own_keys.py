"""Asks OpenRouter whether it accepts a caller's own key, once in a while; loaded when the first one calls."""

from dataclasses import replace

from gateway.http.errors import GatewayError
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import object_or_empty
from gateway.http.message import Reply, ReplyTooLargeError, TransportError, Upstream, UpstreamRequest
from gateway.memory.own_keys import LOOKUPS_PER_MINUTE, OwnKeys, Verdict
from gateway.memory.ports import Ports
from gateway.memory.waiting import pause
from gateway.settings.caller import Caller

TIMEOUT_S = 5.0
POLL_S = 0.05
# What OpenRouter says of a key takes one KB.
MAX_REPLY_BYTES = 64 * 1024
REFUSING = (401, 403)


async def accepted_caller(
    callers: tuple[Caller, Caller | None], upstream: Upstream, ports: Ports, keys: OwnKeys
) -> Caller:
    """Return the caller whose own key OpenRouter accepts: the first one, else the second one if there is one.

    Raises:
        GatewayError: OpenRouter accepts neither, or does not answer; or too many keys are looked up.
    """
    first, second = callers
    try:
        await check_own_key(first.own_key or "", upstream, ports, keys)
    except GatewayError as error:
        if error.code != "invalid_key" or second is None:
            raise
    else:
        return first
    await check_own_key(second.own_key or "", upstream, ports, keys)
    return second


async def check_own_key(token: str, upstream: Upstream, ports: Ports, keys: OwnKeys) -> None:
    """Return if OpenRouter accepts the key, as far as this isolate knows; ask OpenRouter if it does not.

    Requests with the same key share one look-up: the others wait for it.

    Raises:
        GatewayError: OpenRouter refuses the key, or does not answer; or too many keys are looked up.
    """
    verdict = keys.verdict(token, now_s=ports.now_s())
    while verdict is None:
        if keys.is_looked_up(token, now_s=ports.now_s()):
            await pause(POLL_S, ports)
            verdict = keys.verdict(token, now_s=ports.now_s())
        else:
            verdict = await _look_up(token, upstream, ports, keys)
    if verdict is Verdict.REFUSED:
        raise GatewayError(
            "invalid_key",
            "OpenRouter does not accept this key. Check it there, or send one of this gateway's keys.",
        )
    if verdict is Verdict.UNANSWERED:
        raise GatewayError(
            "key_not_checked",
            "OpenRouter does not say whether it accepts this key. Try again.",
            retry_after_s=Verdict.UNANSWERED.value,
            retryable=True,
        )


async def _look_up(token: str, upstream: Upstream, ports: Ports, keys: OwnKeys) -> Verdict:
    now_s = ports.now_s()
    wait_s = keys.wait_s(token, now_s=now_s)
    if wait_s > 0:
        raise GatewayError(
            "too_many_requests",
            f"The gateway looks up {LOOKUPS_PER_MINUTE} new keys a minute. Try again later.",
            retry_after_s=wait_s,
            retryable=True,
        )
    keys.begin_lookup(token, now_s=now_s, until_s=now_s + TIMEOUT_S)
    try:
        verdict = await _ask(replace(upstream, api_key=token), ports)
        keys.note(token, verdict, now_s=ports.now_s())
    finally:
        keys.end_lookup(token)
    return verdict


async def _ask(upstream: Upstream, ports: Ports) -> Verdict:
    """Return what OpenRouter says of the upstream's key. Source: OpenRouter "Get current key"."""
    request = UpstreamRequest(upstream=upstream, method="GET", path="/key", headers=(), body=b"")
    try:
        async with ports.within(TIMEOUT_S):
            reply = await ports.transport.send(request)
            try:
                status, raw = reply.status, await _read(reply) if reply.status == 200 else b""
            finally:
                reply.abort()
    except (TimeoutError, TransportError) as error:
        ports.log("own_key_not_checked", error=type(error).__name__)
        return Verdict.UNANSWERED
    if status in REFUSING:
        return Verdict.REFUSED
    if _describes_a_key(raw):
        return Verdict.ACCEPTED
    ports.log("own_key_not_checked", status=status)
    return Verdict.UNANSWERED


async def _read(reply: Reply) -> bytes:
    """Return the body; nothing if it is larger than ``MAX_REPLY_BYTES``."""
    try:
        return await reply.read_all(MAX_REPLY_BYTES)
    except ReplyTooLargeError:
        return b""


def _describes_a_key(raw: bytes) -> bool:
    try:
        return isinstance(object_or_empty(parse_json(raw)).get("data"), dict)
    except ValueError:
        return False
