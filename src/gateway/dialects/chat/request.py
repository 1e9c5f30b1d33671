"""A chat request as the gateway understands it, and what a caller may ask of the gateway itself."""

from gateway.dialects.chat.requirements import Requirements
from gateway.http.frozen import dataclass
from gateway.settings.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A checked request.

    Attributes:
        model: what the body's ``model`` names; None where it has none.
        models: all that it names, in order, each once; empty when it names none.
        stream: whether it wants server-sent events.
        fields: the body without what is the gateway's own (`model`, `models`, `gateway`), as it came or
            serialised once: an object's inside and its closing brace, ready to follow ``{"model":"…",``.
        max_tokens: the caller's limit for each answer; None where it set none.
        choices: how many answers it wants, 1 or more.
        wants_json: whether ``response_format`` asks for JSON.
        is_text: whether the answer can be nothing but text: no tools, no JSON, one choice.
        openai_usage: whether it asks for OpenAI's usage chunk, whose ``choices`` are empty.
        openrouters_own: whether it has fields that mean something to OpenRouter alone.
        session: what the caller calls the session; None where it names none.
        user: the caller's own user; None where it names none.
        needs: what a model must be able to do for it.
        options: what it asks of the gateway.
    """

    model: str | None
    models: tuple[str, ...]
    stream: bool
    fields: bytes
    max_tokens: int | None
    choices: int
    wants_json: bool
    is_text_only: bool
    openai_usage: bool
    openrouters_own: bool
    session: str | None
    user: str | None
    requirements: Requirements
    options: Options

    def field_of(self, name: str) -> str:
        """Return the body's field that names a model or a task."""
        return "model" if name == self.model else "models"
