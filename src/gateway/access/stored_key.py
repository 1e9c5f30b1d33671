"""Finds the key of a token in the database, and remembers it; loaded when the first such token is sent.

Keys of the database have tokens of one form, so no other token asks the database. What it says counts for
``KEY_CACHE_S``. Requests with the same token share one query. A token that this isolate does not know is let
in by the database only: while that does not answer, it is refused.
"""

import re
from collections.abc import Iterable
from hashlib import sha256

from gateway.access.key_table import find, key_in
from gateway.http.errors import GatewayError
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports
from gateway.memory.stored_keys import LOOKUPS_PER_MINUTE, PAUSE_S, STALE_S, TOKEN_PREFIX, Reading, StoredKeys
from gateway.memory.waiting import pause
from gateway.settings.keys import GatewayKey
from gateway.settings.settings import Settings

TOKEN = re.compile(TOKEN_PREFIX + "[0-9a-f]{64}")
TIMEOUT_S = 2.0
POLL_S = 0.05


def new_token(ports: Ports) -> str:
    """Return a token of 256 random bits."""
    return TOKEN_PREFIX + "".join(ports.new_id() for _ in range(4))


def digest_of(token: str) -> bytes:
    """Return the digest of a token, by which it is stored."""
    return sha256(token.encode()).digest()


async def stored_key(
    tokens: Iterable[str], settings: Settings, ports: Ports, keys: StoredKeys
) -> GatewayKey | None:
    """Return the key of the first token that is in the database; one that has expired if there is no other.

    Raises:
        GatewayError: the database does not answer, or too many unknown tokens are looked up.
    """
    expired = None
    for token in tokens:
        if not TOKEN.fullmatch(token):
            continue
        key = await _key_of(digest_of(token), settings, ports, keys)
        if key is None or any(key.name == each.name for each in settings.gateway_keys):
            continue  # GATEWAY_KEYS goes before the database
        if not key.is_expired(ports.now_s()):
            return key
        expired = expired or key
    return expired


async def _key_of(digest: bytes, settings: Settings, ports: Ports, keys: StoredKeys) -> GatewayKey | None:
    max_age_s = settings.key_cache_s
    while (found := keys.reading(digest, now_s=ports.now_s(), max_age_s=max_age_s)) is None:
        if keys.is_paused(now_s=ports.now_s()):
            return _without_database(digest, ports, keys)
        if keys.lookups.is_in_flight(digest, now_s=ports.now_s()):
            await pause(POLL_S, ports)
        else:
            await _look_up(digest, ports, keys)
    return found.key


def _without_database(digest: bytes, ports: Ports, keys: StoredKeys) -> GatewayKey:
    """Return the key as it was last read, if that is not too long ago.

    Raises:
        GatewayError: it is, or the token was in no row.
    """
    found = keys.reading(digest, now_s=ports.now_s(), max_age_s=STALE_S)
    if found is None or found.key is None:
        raise _unavailable("The database of keys does not answer. Try again.", PAUSE_S)
    return found.key


async def _look_up(digest: bytes, ports: Ports, keys: StoredKeys) -> None:
    now_s, known = ports.now_s(), keys.is_known(digest)
    wait_s = 0.0 if known else keys.lookups.wait_s(now_s=now_s)
    if wait_s > 0:
        raise _unavailable(
            f"The gateway looks up {LOOKUPS_PER_MINUTE} unknown keys a minute. Try again later.", wait_s
        )
    keys.lookups.begin(digest, now_s=now_s, until_s=now_s + TIMEOUT_S, known=known)
    try:
        (rows,) = await query_database([find(digest)], ports, within_s=TIMEOUT_S)
        key = key_in(rows[0], digest) if rows else None
        keys.note(digest, Reading(key, now_s))
    except (DatabaseError, TimeoutError) as error:
        ports.log("keys_not_read", error=type(error).__name__)
        keys.note_failure(now_s=ports.now_s())
    except ValueError:
        ports.log("stored_key_ignored")
        keys.note(digest, Reading(None, now_s))
    finally:
        keys.lookups.end(digest)


def _unavailable(message: str, wait_s: float) -> GatewayError:
    return GatewayError("keys_unavailable", message, retry_after_s=wait_s, retryable=True)
