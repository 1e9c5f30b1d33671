"""Reads the query string of a request's URL, for every route that has parameters."""

from collections.abc import Collection
from urllib.parse import parse_qsl

from gateway.http.errors import GatewayError

MAX_CHARACTERS = 2_000


def parameters_of(query: str, *, known: Collection[str] = (), ignore_unknown: bool = False) -> dict[str, str]:
    """Return the parameters of a query string, decoded.

    Args:
        query: what follows the ``?`` of the URL.
        known: names that an error may show. It does not repeat other text of a caller.
        ignore_unknown: whether parameters that are not ``known`` are left out.

    Raises:
        GatewayError: the query is longer than ``MAX_CHARACTERS``, or has a parameter twice.
    """
    if len(query) > MAX_CHARACTERS:
        raise GatewayError(
            "invalid_field", f"The query must have at most {MAX_CHARACTERS} characters.", param="query"
        )
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if ignore_unknown and name not in known:
            continue
        if name in parameters:
            param = name if name in known else "query"
            raise GatewayError("invalid_field", "A parameter may be given once.", param=param)
        parameters[name] = value
    return parameters
