"""Builds the request that goes to an upstream: the model's name, followed by the caller's body.

All candidates of a chain share the caller's text, see ``body_forms``.
"""

from collections.abc import Callable

from gateway.dialects.model_request import ModelRequest
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json
from gateway.http.message import OPENROUTER, HeaderPairs, Upstream, UpstreamRequest
from gateway.routing.chain import Candidate
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings
from gateway.upstream.body_forms import BodyForms

# What a model is told that refuses to continue a message of its own.
GO_ON = (
    "Your answer above was cut off. Go on exactly where it stops, even within a word. Repeat nothing of it, "
    "add no introduction, and do not mention this message."
)
# The value of SITE_URL with which each caller names its own app.
CALLERS = "caller"
# How long the name and the address of a caller's app may be.
MAX_APP_CHARACTERS = 500


class Composer:
    """Builds the requests of all attempts of one chat request. ``header`` returns a header of the caller."""

    def __init__(
        self,
        chat: ModelRequest,
        caller: Caller,
        settings: Settings,
        header: Callable[[str], str | None],
        *,
        session: str | None = None,
    ) -> None:
        """``session``: the name of the request's session, for OpenRouter; None if it names none."""
        self._chat = chat
        self._caller = caller
        self._settings = settings
        self._header = header
        self._forms = BodyForms(chat, session=session)

    def request_for(self, candidate: Candidate, prefill: str | None) -> UpstreamRequest:
        """Return the request that calls one candidate of the chain.

        ``prefill`` is the beginning of an answer that the model continues; None or empty if there is none. It
        becomes a last message of the model's own. A model that refuses that gets an instruction after it.
        """
        is_openrouter = candidate.upstream == OPENROUTER
        added = _messages_for(prefill, takes_prefill=candidate.takes_prefill) if prefill else []
        headers: HeaderPairs = (
            ("content-type", "application/json"),
            ("accept", "text/event-stream" if self._chat.stream else "application/json"),
            *(_attribution(self._settings, self._header) if is_openrouter else ()),
        )
        if is_openrouter:
            fields = self._forms.for_openrouter(max_price=candidate.max_price, added=added)
        else:
            fields = self._forms.for_direct(added=added)
        return UpstreamRequest(
            upstream=_upstream(candidate, self._caller, self._settings),
            method="POST",
            path="/chat/completions",
            headers=headers,
            body=b"".join((b'{"model":', to_json_bytes(candidate.asked), b",", fields, b"}")),
        )


def _messages_for(prefill: str, *, takes_prefill: bool) -> list[Json]:
    """Return the messages that ask a model to continue an answer."""
    beginning: Json = {"role": "assistant", "content": prefill}
    return [beginning] if takes_prefill else [beginning, {"role": "user", "content": GO_ON}]


def _upstream(candidate: Candidate, caller: Caller, settings: Settings) -> Upstream:
    """Return the upstream to call. For OpenRouter, the caller's own key replaces the gateway's key."""
    if candidate.upstream != OPENROUTER:
        return settings.direct[candidate.upstream].upstream
    return settings.upstream_for(caller)


def _attribution(settings: Settings, header: Callable[[str], str | None]) -> HeaderPairs:
    """Return the headers that name the app: this gateway's, or the caller's.

    The caller's count if the settings name no app, or if ``SITE_URL`` is ``caller``. A URL of one is not sent
    with a title of the other: OpenRouter takes the URL for the app, and the title for its name.
    Source: OpenRouter "App Attribution"; ``X-Title`` is older.
    """
    url, title = settings.site_url, settings.app_title
    if url == CALLERS or (not url and not title):
        url = _app_text(header("http-referer"))
        own_title = _app_text(header("x-openrouter-title")) or _app_text(header("x-title"))
        title = own_title if url or own_title else title
    pairs = (("http-referer", url), ("x-openrouter-title", title), ("x-title", title))
    return tuple(pair for pair in pairs if pair[1])


def _app_text(value: str | None) -> str:
    """Return what a caller's header says about its app; empty if it is too long, or not printable ASCII.

    Runtimes differ in how they read and send other characters of a header.
    """
    text = (value or "").strip()
    is_sendable = len(text) <= MAX_APP_CHARACTERS and text.isascii() and text.isprintable()
    return text if is_sendable else ""
