"""Finds the key of a token in the database, and remembers it; loaded when the first such token is sent.

Keys of the database have tokens of one form, so no other token asks the database. What it says counts for
``KEY_CACHE_S``. Requests with the same token share one query. A token that this isolate does not know is let
in by the database only: while that does not answer, it is refused.
"""

import hmac
import re
from hashlib import sha256

from gateway.access.key_table import find, find_name, keys_in, with_origins
from gateway.http.errors import GatewayError
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.stored_keys import (
    LOOKUPS_PER_MINUTE,
    ORIGINS,
    PAUSE_S,
    STALE_S,
    TOKEN_PREFIX,
    Reading,
    StoredKeys,
)
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


async def key_of_token(token: str, settings: Settings, ports: Ports, keys: StoredKeys) -> GatewayKey | None:
    """Return the key of a token in the database; None if it is in no row. It may have expired.

    Whoever guesses tokens cannot choose their digests, so the time of the look-up tells nothing of use. The
    digests are compared in constant time all the same.

    Raises:
        GatewayError: the database does not answer, or too many unknown tokens are looked up.
    """
    digest = digest_of(token)
    found = await _read(digest, find(digest), settings, ports, keys)
    return next((key for key in found if hmac.compare_digest(key.digest, digest)), None)


async def keys_of_name(
    name: str, settings: Settings, ports: Ports, keys: StoredKeys
) -> tuple[GatewayKey, ...]:
    """Return the key of a name in the database, once for each of its tokens; none if there is no such key.

    Raises:
        GatewayError: the database does not answer.
    """
    return await _read(b"name:" + name.encode(), find_name(name), settings, ports, keys)


async def is_stored_origin(origin: str, settings: Settings, ports: Ports, keys: StoredKeys) -> bool:
    """Return whether web pages of an origin may use a key of the database; False if it does not answer."""
    try:
        found = await _read(ORIGINS, with_origins(), settings, ports, keys)
    except GatewayError:
        return False
    now_s = ports.now_s()
    return any(origin in (key.origins or ()) and not key.is_expired(now_s) for key in found)


async def _read(
    sought: bytes, statement: Statement, settings: Settings, ports: Ports, keys: StoredKeys
) -> tuple[GatewayKey, ...]:
    """Return the keys that the database finds, or has found lately, for what is ``sought``."""
    max_age_s = settings.key_cache_s
    while (found := keys.reading(sought, now_s=ports.now_s(), max_age_s=max_age_s)) is None:
        if keys.is_paused(now_s=ports.now_s()):
            return _without_database(sought, ports, keys)
        if keys.lookups.is_in_flight(sought, now_s=ports.now_s()):
            await pause(POLL_S, ports)
        else:
            await _look_up(sought, statement, ports, keys)
    in_secret = {key.name for key in settings.gateway_keys}  # these go before the database
    return tuple(key for key in found.keys if key.name not in in_secret)


def _without_database(sought: bytes, ports: Ports, keys: StoredKeys) -> tuple[GatewayKey, ...]:
    """Return the key as it was last read, if that is not too long ago.

    Raises:
        GatewayError: it is, or there was no row.
    """
    found = keys.reading(sought, now_s=ports.now_s(), max_age_s=STALE_S)
    if found is None or not found.keys:
        raise _unavailable("The database of keys does not answer. Try again.", PAUSE_S)
    return found.keys


async def _look_up(sought: bytes, statement: Statement, ports: Ports, keys: StoredKeys) -> None:
    now_s, known = ports.now_s(), keys.is_known(sought)
    wait_s = 0.0 if known else keys.lookups.wait_s(now_s=now_s)
    if wait_s > 0:
        raise _unavailable(
            f"The gateway looks up {LOOKUPS_PER_MINUTE} unknown keys a minute. Try again later.", wait_s
        )
    keys.lookups.begin(sought, now_s=now_s, until_s=now_s + TIMEOUT_S, known=known)
    try:
        (rows,) = await query_database([statement], ports, within_s=TIMEOUT_S)
        keys.note(sought, Reading(tuple(key for row in rows for key in keys_in(row)), now_s))
    except (DatabaseError, TimeoutError) as error:
        ports.log("keys_not_read", error=type(error).__name__)
        keys.note_failure(now_s=ports.now_s())
    except ValueError:
        ports.log("stored_key_ignored")
        keys.note(sought, Reading((), now_s))
    finally:
        keys.lookups.end(sought)


def _unavailable(message: str, wait_s: float) -> GatewayError:
    return GatewayError("keys_unavailable", message, retry_after_s=wait_s, retryable=True)
