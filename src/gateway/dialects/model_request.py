"""Defines ``ModelRequest``: a request to a model, in any dialect, after parsing and checks."""

from typing import TYPE_CHECKING

from gateway.dialects.answer_test import Expected, JsonRoot
from gateway.dialects.requirements import Requirements
from gateway.dialects.signed_parts import SignedPart
from gateway.http.frozen import dataclass
from gateway.http.json_members import Members
from gateway.settings.options import Options

if TYPE_CHECKING:  # few requests are forms
    from gateway.http.upstream_form import UpstreamForm


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A request to a model that has been parsed and checked.

    Attributes:
        model: the body's ``model``; None if it has none.
        models: the names of all models, in order and without duplicates; may be empty.
        models_field: the field that names models beside ``model``.
        stream: whether the caller requests server-sent events.
        wants_bytes: whether its answer is bytes, such as audio, and no JSON.
        fields: the body's fields except the gateway's own (`model`, `models`, `gateway`), as the caller wrote
            them.
        max_tokens: the caller's limit for each answer; None if there is none.
        choices: how many answers the caller requests (`n`); 0 if an answer has no tokens of its own.
        wants_json: whether ``response_format`` requests JSON.
        json_root: the type of the JSON that it requests; None for any.
        is_text_only: whether the answer can be nothing but text: no tools, no JSON, one choice.
        openai_usage: whether the caller requests OpenAI's usage chunk, whose ``choices`` are empty.
        openrouters_own: whether it has fields that only OpenRouter understands.
        session: the body's ``session_id``; None if it has none.
        prompt_cache_key: the body's ``prompt_cache_key``; None if it has none.
        user: the body's ``user``; None if it has none.
        requirements: what a model must support to serve it.
        options: the body's ``gateway`` object.
        signed: the signed parts of its messages, the newest last.
        form: the request as a form, which goes upstream in the place of ``fields``; None if it is JSON.
        expected: what the dialect's check of a plain answer must know of it; None if that needs nothing.
    """

    model: str | None
    models: tuple[str, ...]
    models_field: str = "models"
    stream: bool = False
    wants_bytes: bool = False
    fields: Members
    max_tokens: int | None = None
    choices: int = 1
    wants_json: bool = False
    json_root: JsonRoot | None = None
    is_text_only: bool = False
    openai_usage: bool = False
    openrouters_own: bool = False
    session: str | None = None
    prompt_cache_key: str | None = None
    user: str | None = None
    requirements: Requirements
    options: Options
    signed: tuple[SignedPart, ...] = ()
    form: "UpstreamForm | None" = None
    expected: Expected | None = None

    def field_of(self, name: str) -> str:
        """Return which field of the body names this model or task."""
        return "model" if name == self.model else self.models_field
