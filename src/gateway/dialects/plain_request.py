"""Makes a ``ModelRequest`` of a body whose answer is data."""

from collections.abc import Iterable

from gateway.dialects.answer_test import Expected
from gateway.dialects.body import OWN, models_of, options_of
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.requirements import Requirements
from gateway.http.errors import GatewayError
from gateway.http.json_members import Members
from gateway.http.json_values import JsonObject, text_or_none


def require(body: JsonObject, names: Iterable[str]) -> None:
    """Check that a body has these fields.

    Raises:
        GatewayError: one is missing; ``param`` names it.
    """
    for name in names:
        if body.get(name) is None:
            raise GatewayError("missing_field", f"`{name}` is required.", param=name)


def plain_request(
    body: JsonObject, members: Members, requirements: Requirements, expected: Expected
) -> ModelRequest:
    """Return the request in a checked body.

    Args:
        body: the body, parsed.
        members: its members, as text.
        requirements: what a model must support to serve it.
        expected: what an answer must have.

    Raises:
        GatewayError: a model's name or an option is wrong.
    """
    fields = members.without(OWN)
    return ModelRequest(
        model=text_or_none(body.get("model")),
        models=models_of(body),
        fields=fields,
        choices=0,
        session=text_or_none(fields.value("session_id")),
        user=text_or_none(fields.value("user")),
        requirements=requirements,
        options=options_of(body),
        expected=expected,
    )
