"""What the routes that manage keys have in common: who may call them, the name in the path, a page."""

from gateway.access.key_table import MAX_PAGE
from gateway.http.errors import GatewayError
from gateway.http.query_string import parameters_of
from gateway.pipeline.call import Call
from gateway.settings.key_fields import is_key_name
from gateway.settings.parse_value import as_whole

PREFIX, ROTATE = "/v1/keys/", "/rotate"


def check_admin(call: Call) -> None:
    """Raise ``GatewayError`` unless the caller is an admin, and a database is bound."""
    if not call.caller.admin:
        raise GatewayError("not_allowed", "Only an admin key may manage keys.")
    if not call.ports.database.bound:
        raise GatewayError(
            "ledger_not_bound",
            "Keys that are made while the gateway runs need the D1 binding LEDGER. Without it, keys are in "
            "the secret GATEWAY_KEYS.",
        )


def name_in(call: Call) -> str:
    """Return the name in the path.

    Raises:
        GatewayError: no key can have this name.
    """
    path = call.request.path
    name = path[path.index(PREFIX) + len(PREFIX) :].removesuffix(ROTATE)
    if not is_key_name(name):
        raise GatewayError("not_found", "There is no such key: names have letters, digits, . _ and -.")
    return name


def page_of(call: Call) -> tuple[str, int]:
    """Return after which name a page begins, and how many keys it has at most.

    Raises:
        GatewayError: a parameter is unknown or wrong.
    """
    query = parameters_of(call.request.query, known=("after", "limit"))
    if not query.keys() <= {"after", "limit"}:
        raise GatewayError("unknown_option", "Unknown parameter. Use after or limit.", param="query")
    try:
        limit = as_whole(1, MAX_PAGE)(query.get("limit", str(MAX_PAGE)))
    except ValueError as error:
        raise GatewayError("invalid_field", f"`limit` {error}.", param="limit") from None
    after = query.get("after", "")
    if after and not is_key_name(after):
        raise GatewayError("invalid_field", "`after` must be the name of a key.", param="after")
    return after, limit


def is_in_secret(name: str, call: Call) -> bool:
    """Return whether a key of ``GATEWAY_KEYS`` has this name."""
    return any(key.name == name for key in call.settings.gateway_keys)


def missing(name: str, call: Call) -> GatewayError:
    """Return the error for a key that is not in the database, or is revoked there."""
    if is_in_secret(name, call):
        return in_secret()
    return GatewayError("not_found", "There is no such key, or it is revoked.")


def in_secret() -> GatewayError:
    """Return the error for a name that a key of ``GATEWAY_KEYS`` has."""
    return GatewayError(
        "key_in_secret",
        "A key of this name is in the secret GATEWAY_KEYS. It is changed there, and goes before one of the "
        "database.",
        param="name",
    )
