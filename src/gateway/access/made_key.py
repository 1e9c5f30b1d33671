"""Finds the key of a token that a gateway has made: of the database, or lent."""

from gateway.access.stored_key import TOKEN, key_of_token
from gateway.memory.ports import Ports
from gateway.memory.stored_keys import StoredKeys
from gateway.settings.keys import GatewayKey
from gateway.settings.settings import Settings


async def made_key(token: str, settings: Settings, ports: Ports, keys: StoredKeys) -> GatewayKey | None:
    """Return the key of a token; None if there is none. It may have expired. The token's form says its kind.

    Raises:
        GatewayError: the database does not answer, or too many unknown tokens are looked up.
    """
    if TOKEN.fullmatch(token):
        return await key_of_token(token, settings, ports, keys) if ports.database.bound else None
    from gateway.access.lent_key import lent_key  # noqa: PLC0415  # few keys are lent

    return await lent_key(token, settings, ports, keys)
