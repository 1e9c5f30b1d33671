"""What is the same for all dialects whose answers are data, and not a text. Most of them never stream."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.dialects.answer_stream import AnswerContext
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.direct_members import without_openrouters
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.signed_parts import SignedForm
from gateway.http.json_members import Buffer, Members
from gateway.http.json_values import JsonObject
from gateway.http.message import HeaderPairs, HttpRequest
from gateway.settings.field_rule import FieldRule

if TYPE_CHECKING:  # no request of such a dialect is checked for repetitions
    from gateway.dialects.repeated_calls import Repetition

# The rule for ``stream`` where nothing streams.
NO_STREAM = FieldRule(
    lambda value: value is False,
    "false or absent: answers of this endpoint are not streamed",
    {"enum": [False, None]},
)
NOTHING_SIGNED = SignedForm(list_name="", is_all=False, read=lambda _: None, marks=())


class PlainDialect:
    """The base of a dialect whose answers are data; see ``Dialect`` for what it leaves open.

    A subclass has a ``name``, an ``upstream_path``, ``parse``, ``read_answer`` and ``tokens_of``. If it never
    streams, its table of fields has ``NO_STREAM`` for ``stream``.
    """

    can_stream = False
    can_watch = False
    writes_text = False
    may_pay_twice = True
    session_in_body = False
    token_limits: tuple[str, ...] = ()
    signed_form = NOTHING_SIGNED
    answer_member: str | None = None

    def upstream_headers(self, request: HttpRequest) -> HeaderPairs:
        """Return no headers."""
        del request
        return ()

    def direct_members(self, request: ModelRequest) -> dict[str, Buffer] | None:
        """Return the members without those that only OpenRouter understands."""
        return without_openrouters(request.fields)

    def repetition_in(self, fields: Members) -> "Repetition | None":
        """Return None: there are no messages."""
        del fields
        return None

    def shape_answer(self, payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
        """Leave the answer as it is."""
        del payload, names, test
        return False

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """Add nothing."""
        del payload, told
        return False

    def signatures_of(self, payload: JsonObject) -> Iterator[str]:
        """Yield nothing."""
        del payload
        return iter(())

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return whether the answer is complete: one that has passed the checks is."""
        del payloads
        return ended
