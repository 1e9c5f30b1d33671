"""``POST /v1/keys/lend``: lends a part of the caller's own key, for a sub-agent or a job."""

from gateway.access.lent_key import MAX_LENT_S, TooLongError, lent_token
from gateway.dialects.body import wrong_field
from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject, number_or_none
from gateway.http.responses import respond_json
from gateway.pipeline.budget import session_accounts
from gateway.pipeline.call import Call
from gateway.pipeline.read_spending import read_spending
from gateway.routes.key_body import fields_of, read_key_fields, whole_between
from gateway.routes.key_form import time_form
from gateway.settings.budget import MICROS, SESSION, micros_of
from gateway.settings.caller import Caller, Lent
from gateway.settings.field_rule import ABOVE_ZERO
from gateway.settings.keys import allows
from gateway.settings.settings import Settings

NO_STORE = (("cache-control", "no-store"),)
DEFAULT_VALID_S = 3_600
DAY_S = 86_400
# The fields of the body that are fields of a key, and those that are not.
OF_A_KEY = ("models", "per_minute")
OWN = ("budget_usd", "valid_for_s")


async def lend_key(call: Call) -> HttpResponse:
    """Return a lent key, with its token. It counts against the caller's key, and can only be tighter.

    Raises:
        GatewayError: the caller has no key that may lend, a field of the body is wrong, or
            ``OPENROUTER_API_KEY`` is not set.
    """
    caller, settings = call.caller, call.settings
    digest = caller.digest
    if digest is None or caller.lent is not None or caller.limits.no_lending:
        raise GatewayError("not_allowed", f"This key may lend nothing: {_why(caller)}.")
    lent = _lent_in(await fields_of(call, (*OF_A_KEY, *OWN), may_be_empty=True), call)
    try:
        token = lent_token(lent, caller.name, digest, settings)
    except TooLongError:
        message = "`models` is wrong: its names are too long for a token. Use fewer, or names that end in *."
        raise GatewayError("invalid_field", message, param="models") from None
    return respond_json(201, {**lent_form(caller.name, lent), "token": token}, call.frame, NO_STORE)


def _why(caller: Caller) -> str:
    if caller.lent is not None:
        return "it is lent itself"
    return "its limits say no_lending" if caller.limits.no_lending else "there is none to lend from"


def _lent_in(body: JsonObject, call: Call) -> Lent:
    read = read_key_fields({name: body.get(name) for name in OF_A_KEY})
    models = read.get("models")
    if models is not None and not all(allows(call.caller, each) for each in models):
        raise GatewayError("invalid_field", "`models` has a name that this key may not use.", param="models")
    valid = body.get("valid_for_s")
    most_s = longest_s(call.settings)
    valid_s = (
        min(DEFAULT_VALID_S, most_s) if valid is None else whole_between("valid_for_s", valid, 1, most_s)
    )
    return Lent(
        id=call.ports.new_id(),
        expires_at_s=round(call.ports.now_s() + valid_s, 3),
        models=models,
        budget_micros=_micros(body.get("budget_usd")),
        per_minute=read.get("per_minute"),
    )


def longest_s(settings: Settings) -> int:
    """Return for how long a key may be lent: no longer than the ledger remembers what it has spent."""
    return min(MAX_LENT_S, settings.ledger_days * DAY_S)


def _micros(value: Json) -> int | None:
    if value is None:
        return None
    micros = micros_of(number_or_none(value) or 0.0)
    if not ABOVE_ZERO.test(value) or not micros:
        raise wrong_field("budget_usd", ABOVE_ZERO)
    return micros


def lent_form(name: str, lent: Lent) -> JsonObject:
    """Return what was lent, of the key of this name."""
    return {
        "object": "lent_key",
        "id": lent.id,
        "name": name,
        "models": None if lent.models is None else [*lent.models],
        "budget_usd": None if lent.budget_micros is None else lent.budget_micros / MICROS,
        "per_minute": lent.per_minute,
        "expires_at": time_form(lent.expires_at_s * 1000),
    }


async def lent_state(call: Call, lent: Lent) -> JsonObject:
    """Return what was lent to the caller, and what it has spent of it."""
    accounts = session_accounts(lent.session, call.caller.limits.max_session_usd)
    spending, max_unsettled = call.memory.spending, call.settings.max_unsettled
    await read_spending(accounts, call.ports, spending, max_unsettled=max_unsettled)
    now_s = call.ports.now_s()
    spent = sum(
        spending.spent(each.key, SESSION, now_s=now_s)
        + spending.held(each.key, now_s=now_s)
        + spending.reserved(each.key, SESSION, now_s=now_s)
        for each in accounts
    )
    return {**lent_form(call.caller.name, lent), "spent_usd": spent / MICROS if accounts else None}
