"""``/v1/keys``: makes, lists, shows, changes, rotates and revokes the keys of the database. For admins."""

from collections.abc import Sequence

from gateway.access import key_table
from gateway.access.key_table import Change
from gateway.access.stored_key import digest_of, new_token
from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject
from gateway.http.responses import respond_json
from gateway.memory.database import query_for_caller
from gateway.memory.ports import Statement
from gateway.pipeline.call import Call
from gateway.routes.key_body import fields_to_change, key_to_make, old_token_valid_s
from gateway.routes.key_call import check_admin, in_secret, is_in_secret, missing, name_in, page_of
from gateway.routes.key_form import change_form, key_form

NO_STORE = (("cache-control", "no-store"),)
NOT_DONE = "The database does not answer. The change may have been made all the same: look at the key first."


async def make_key(call: Call) -> HttpResponse:
    """``POST /v1/keys``: make a key; the answer is the only one that has its token.

    Raises:
        GatewayError: the caller is no admin, a field is wrong, the name is taken, or D1 does not answer.
    """
    check_admin(call)
    name, fields = await key_to_make(call)
    if is_in_secret(name, call):
        raise in_secret()
    token = new_token(call.ports)
    change = _change(call, name, fields)
    statements = key_table.make(
        change, key_id=call.ports.new_id() + call.ports.new_id(), digest=digest_of(token)
    )
    made = await _written(call, change, "made", statements)
    if made is None:
        raise GatewayError(
            "key_exists", "There is a key of this name. Change it, or choose another name.", param="name"
        )
    return _respond(201, {**key_form(made, call), "token": token}, call)


async def list_keys(call: Call) -> HttpResponse:
    """``GET /v1/keys?after=&limit=``: list the keys by name, a page at a time.

    Raises:
        GatewayError: the caller is no admin, a parameter is wrong, or D1 does not answer.
    """
    check_admin(call)
    after, limit = page_of(call)
    (rows,) = await query_for_caller(key_table.page(after, limit + 1), call.ports)
    shown: list[Json] = [key_form(row, call) for row in rows[:limit]]
    names: list[Json] = [*sorted({key.name for key in call.settings.gateway_keys})]
    listed: JsonObject = {
        "object": "list",
        "data": shown,
        "next": rows[limit - 1]["name"] if len(rows) > limit else None,
        "in_secret": names,
    }
    return _respond(200, listed, call)


async def show_stored_key(call: Call) -> HttpResponse:
    """``GET /v1/keys/{name}``: show a key, and its last changes.

    Raises:
        GatewayError: the caller is no admin, there is no such key, or D1 does not answer.
    """
    check_admin(call)
    name = name_in(call)
    rows, changes = await query_for_caller(key_table.one(name), call.ports)
    if not rows:
        raise missing(name, call)
    history: list[Json] = [change_form(row) for row in changes]
    return _respond(200, {**key_form(rows[0], call), "changes": history}, call)


async def change_key(call: Call) -> HttpResponse:
    """``PATCH /v1/keys/{name}``: set and remove fields of a key.

    Raises:
        GatewayError: the caller is no admin, a field is wrong, there is no such key, or D1 does not answer.
    """
    check_admin(call)
    name = name_in(call)
    change = _change(call, name, await fields_to_change(call))
    return _changed(name, await _written(call, change, "changed", key_table.set_fields(change)), call)


async def revoke_key(call: Call) -> HttpResponse:
    """``DELETE /v1/keys/{name}``: revoke a key. To revoke it again changes nothing.

    Raises:
        GatewayError: the caller is no admin, there is no such key, or D1 does not answer.
    """
    check_admin(call)
    name = name_in(call)
    change = _change(call, name, {})
    return _changed(name, await _written(call, change, "revoked", key_table.revoke(change)), call)


async def rotate_key(call: Call) -> HttpResponse:
    """``POST /v1/keys/{name}/rotate``: give a key a new token; the old one stays valid for ``valid_for_s``.

    Raises:
        GatewayError: the caller is no admin, a field is wrong, there is no such key, or D1 does not answer.
    """
    check_admin(call)
    name, valid_s = name_in(call), await old_token_valid_s(call)
    token = new_token(call.ports)
    change = _change(call, name, {"valid_for_s": valid_s})
    until_ms = change.at_ms + valid_s * 1000 if valid_s else None
    statements = key_table.rotate(change, digest=digest_of(token), old_until_ms=until_ms)
    return _changed(name, await _written(call, change, "rotated", statements), call, token=token)


async def _written(
    call: Call, change: Change, action: str, statements: Sequence[Statement]
) -> JsonObject | None:
    """Write a change, and return the key's row; None if there is no key that it could change.

    This isolate forgets the key: here the change holds at once, elsewhere within ``KEY_CACHE_S``.
    """
    rows, *_ = await query_for_caller(statements, call.ports, failed=NOT_DONE)
    call.memory.stored_keys.forget(change.name)
    if not rows:
        return None
    if rows[0]["last_change"] == change.id:  # else it was revoked before
        call.ports.log("key_changed", by=change.by, key=change.name, action=action, fields=[*change.fields])
    return rows[0]


def _changed(name: str, row: JsonObject | None, call: Call, **more: Json) -> HttpResponse:
    if row is None:
        raise missing(name, call)
    return _respond(200, {**key_form(row, call), **more}, call)


def _respond(status: int, payload: JsonObject, call: Call) -> HttpResponse:
    return respond_json(status, payload, call.frame, NO_STORE)


def _change(call: Call, name: str, fields: JsonObject) -> Change:
    return Change(
        id=call.ports.new_id(),
        at_ms=round(call.ports.now_s() * 1000),
        by=call.caller.name,
        name=name,
        fields=fields,
    )
