"""Refuses requests from scripts of web pages whose origin is not allowed."""

from gateway.http.errors import GatewayError
from gateway.http.message import HttpRequest


def refuse_foreign_page(request: HttpRequest, origins: tuple[str, ...]) -> None:
    """Refuse a request from a web page whose origin is not in ``origins``.

    A request without an ``Origin`` header does not come from a script of a web page, and passes.

    Raises:
        GatewayError: the origin is not allowed.
    """
    origin = request.header("origin")
    if origin and "*" not in origins and origin not in origins:
        raise not_allowed()


def not_allowed() -> GatewayError:
    """Return the error for a web page that may not call."""
    return GatewayError(
        "origin_not_allowed",
        "Pages of this origin may not call the gateway. Add it to CORS_ORIGINS, or to the key's origins.",
        param="origin",
    )
