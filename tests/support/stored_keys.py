"""Keys of the database: a gateway with an admin's key in its secret, and calls that manage keys."""

import json

from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import answer
from tests.support.world import TOKEN, Answer, World, chat, finish

ADMIN = {"name": "boss", "token": TOKEN, "admin": True}
KEYS = "/v1/keys"


def keys_world(**env: str) -> World:
    """Return a gateway with a database and one admin's key; its model ``a/one`` answers."""
    entries = json.dumps([ADMIN])
    return World({"GATEWAY_KEYS": entries, **env}, database=SqliteDatabase()).script("a/one", answer("Hi"))


async def manage(
    made: World, method: str, path: str = KEYS, body: object = None, *, token: str = TOKEN
) -> Answer:
    """Return the answer to a request that manages keys."""
    sent = b"" if body is None else body
    headers = {"authorization": f"Bearer {token}"}
    return await finish(await made.begin(sent, method=method, path=path, headers=headers))


async def make(made: World, name: str = "app", **fields: object) -> str:
    """Make a key; return its token."""
    got = await manage(made, "POST", body={"name": name, **fields})
    assert got.status == 201, got.body
    return str(got.json["token"])


async def ask_with(made: World, token: str, *models: str, header: str = "authorization") -> Answer:
    """Return the answer to a chat request with a token."""
    value = f"Bearer {token}" if header == "authorization" else token
    return await finish(await made.begin(chat(*(models or ("a/one",))), headers={header: value}))


async def code_with(made: World, token: str) -> str:
    """Return the error code of a chat request with a token; ``ok`` if there is no error."""
    got = await ask_with(made, token)
    return "ok" if got.status == 200 else str(got.error["code"])
