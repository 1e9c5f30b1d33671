"""The caller's fields in the forms that upstreams accept. Each form is prepared once for all attempts."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from gateway.dialects.dialect import Dialect
from gateway.dialects.model_request import ModelRequest
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_members import LARGE_BYTES, Buffer, Members, member
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.settings.price import Price, usd_or_none

if TYPE_CHECKING:
    from gateway.dialects.signed_layout import SignedLayout

# Changes a body's members so that they ask a model to continue an answer that has begun.
GoOn: TypeAlias = Callable[[Mapping[str, Buffer]], dict[str, Buffer]]


class BodyForms:
    """The fields of one request, as JSON text without braces.

    The caller's own text is sent wherever possible. It is changed only for a direct upstream, for a route's
    price ceiling, to name a session, to continue an answer that has begun, or to take signed parts out. Only
    fields that change are parsed.
    """

    def __init__(self, dialect: Dialect, request: ModelRequest, *, session: str | None = None) -> None:
        """``session``: the session's name for OpenRouter, which keeps its prompt cache warm by it."""
        self._dialect = dialect
        self._request = request
        self._fields = _with_session(request.fields, session)
        self._direct: dict[str, Buffer] | None = None
        self._provider: _Provider | None = None
        self._session = session
        self._layout: SignedLayout | None = None
        self._shorter: tuple[tuple[int, ...], BodyForms] | None = None  # the last ones without signed parts

    def without(self, parts: tuple[int, ...]) -> "BodyForms":
        """Return the forms without these of the request's signed parts, which are named by position."""
        if not parts:
            return self
        if self._shorter is not None and self._shorter[0] == parts:
            return self._shorter[1]
        if self._layout is None:
            from gateway.dialects.signed_layout import SignedLayout  # noqa: PLC0415  # few requests are cut

            fields, signed = self._request.fields, self._request.signed
            self._layout = SignedLayout(fields, signed, self._dialect.signed_form)
        request = replace(self._request, fields=self._layout.without(parts))
        forms = BodyForms(self._dialect, request, session=self._session)
        # A large text is not kept: it would be one more copy in memory while the attempt runs.
        self._shorter = (parts, forms) if len(request.fields.text) <= LARGE_BYTES else None
        return forms

    def for_openrouter(self, *, max_price: Price | None, go_on: GoOn | None = None) -> bytes:
        """Return the fields for OpenRouter.

        Args:
            max_price: the ceiling of the candidate's task route. It excludes more expensive providers of the
                model. The caller's own ceiling wins if it is lower. Source: OpenRouter `provider.max_price`.
            go_on: see ``GoOn``; None if no answer has begun.
        """
        if not max_price and go_on is None:
            return self._fields.text
        members = self._fields.views() if go_on is None else go_on(self._fields.views())
        if max_price:
            if self._provider is None:
                self._provider = _Provider(self._request.fields.value("provider"))
            members["provider"] = self._provider.under(max_price)
        return b",".join(members.values())

    def for_direct(self, *, go_on: GoOn | None = None) -> bytes:
        """Return the fields for a direct upstream; ``go_on`` as for OpenRouter."""
        fields = self._request.fields
        if self._direct is None:
            self._direct = self._dialect.direct_members(self._request)
        if self._direct is None:
            if go_on is None:
                return fields.text
            self._direct = fields.views()
        return b",".join((self._direct if go_on is None else go_on(self._direct)).values())


def _with_session(fields: Members, session: str | None) -> Members:
    """Return the fields with a session's name, unless they have one. Source: OpenRouter "Prompt Caching"."""
    if session is None or fields.value("session_id") is not None:
        return fields
    return fields.without(("session_id",)).plus("session_id", session)


class _Provider:
    """The caller's ``provider``, prepared for any price ceiling."""

    def __init__(self, value: Json) -> None:
        fields = object_or_empty(value)
        ceilings = object_or_empty(fields.get("max_price"))
        self._fields = _inside(fields, but=("max_price",))
        self._others = _inside(ceilings, but=("prompt", "completion"))
        self._ceilings: dict[str, _Ceiling] = {
            name: _Ceiling(to_json_bytes(ceilings[name]), usd_or_none(ceilings[name]))
            for name in ("prompt", "completion")
            if name in ceilings
        }

    def under(self, max_price: Price) -> bytes:
        """Return the member ``provider`` with a route's ceiling."""
        limits = {"prompt": max_price.prompt, "completion": max_price.completion}
        ceilings = [self._others] if self._others else []
        for name, limit in limits.items():
            own = self._ceilings.get(name)
            if limit is not None and not (own and own.usd is not None and 0 <= own.usd < limit):
                ceilings.append(member(name, limit))
            elif own:
                ceilings.append(b'"%b":%b' % (name.encode(), own.text))
        fields = [self._fields] if self._fields else []
        return b'"provider":{%b}' % b",".join([*fields, b'"max_price":{%b}' % b",".join(ceilings)])


@dataclass(frozen=True, slots=True)
class _Ceiling:
    """A caller's own ceiling for a price: as JSON, and in USD; None if it is not an amount."""

    text: bytes
    usd: float | None


def _inside(fields: JsonObject, *, but: tuple[str, ...]) -> bytes:
    """Return an object as JSON without its braces and without the fields ``but``."""
    return to_json_bytes({name: value for name, value in fields.items() if name not in but})[1:-1]
