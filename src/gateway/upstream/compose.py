"""Builds the request that goes to an upstream: the model's name, followed by the caller's body.

All candidates of a chain share the caller's text, see ``body_forms``.
"""

from collections.abc import Callable

from gateway.dialects.dialect import Dialect, streaming_of
from gateway.dialects.model_request import ModelRequest
from gateway.http.json_bytes import to_json_bytes
from gateway.http.message import OPENROUTER, HeaderPairs, Upstream, UpstreamRequest
from gateway.routing.chain import Candidate
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings
from gateway.upstream.body_forms import BodyForms, GoOn

# The value of SITE_URL with which each caller names its own app.
CALLERS = "caller"
# How long the name and the address of a caller's app may be.
MAX_APP_CHARACTERS = 500
# Names the session if the body does not. Source: OpenRouter "Prompt Caching".
SESSION_HEADER = "x-session-id"


class Composer:
    """Builds the requests of all attempts of one request.

    Args:
        dialect: the wire format of the request.
        request: the request.
        caller: who sends it.
        settings: the Worker's settings.
        header: returns a header of the caller.
        headers: the headers that the dialect sends on.
        session: the name of the request's session, for OpenRouter; None if it names none.
    """

    def __init__(
        self,
        dialect: Dialect,
        request: ModelRequest,
        caller: Caller,
        settings: Settings,
        header: Callable[[str], str | None],
        *,
        headers: HeaderPairs = (),
        session: str | None = None,
    ) -> None:
        self._dialect = dialect
        self._request = request
        self._caller = caller
        self._settings = settings
        self._header = header
        self._forms = BodyForms(dialect, request, session=session if dialect.session_in_body else None)
        self._dialects_headers = headers
        if session is not None and not dialect.session_in_body and header_text(session):
            headers = (*headers, (SESSION_HEADER, session))
        self._headers = headers

    def request_for(self, candidate: Candidate, prefill: str | None) -> UpstreamRequest:
        """Return the request that calls one candidate of the chain.

        ``prefill`` is the beginning of an answer that the model continues; None or empty if there is none.
        """
        is_openrouter = candidate.upstream == OPENROUTER
        go_on = self._go_on(candidate, prefill) if prefill else None
        form = self._request.form
        headers: HeaderPairs = (
            ("content-type", "application/json" if form is None else form.content_type),
            ("accept", _accepted(self._request)),
            *(_attribution(self._settings, self._header) if is_openrouter else ()),
            *(self._headers if is_openrouter else self._dialects_headers),
        )
        if form is not None:
            but = () if is_openrouter else self._openrouters_parts()
            body: bytes | tuple[bytes | memoryview, ...] = form.with_model(candidate.asked, but=but)
        else:
            forms = self._forms.without(candidate.without)
            if is_openrouter:
                fields = forms.for_openrouter(max_price=candidate.max_price, go_on=go_on)
            else:
                fields = forms.for_direct(go_on=go_on)
            body = b"".join((b'{"model":', to_json_bytes(candidate.asked), b",", fields, b"}"))
        return UpstreamRequest(
            upstream=_upstream(candidate, self._caller, self._settings),
            method="POST",
            path=self._dialect.upstream_path,
            headers=headers,
            body=body,
        )

    def _openrouters_parts(self) -> set[str]:
        """Return the names of a form's parts that only OpenRouter understands."""
        for_direct = self._dialect.direct_members(self._request)
        return set() if for_direct is None else self._request.fields.places.keys() - for_direct.keys()

    def _go_on(self, candidate: Candidate, prefill: str) -> GoOn:
        dialect = streaming_of(self._dialect)
        return lambda members: dialect.members_to_go_on(
            members, prefill, takes_prefill=candidate.takes_prefill
        )


def _accepted(request: ModelRequest) -> str:
    if request.wants_bytes:
        return "*/*"
    return "text/event-stream" if request.stream else "application/json"


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
        url = header_text(header("http-referer"))
        own_title = header_text(header("x-openrouter-title")) or header_text(header("x-title"))
        title = own_title if url or own_title else title
    pairs = (("http-referer", url), ("x-openrouter-title", title), ("x-title", title))
    return tuple(pair for pair in pairs if pair[1])


def header_text(value: str | None) -> str:
    """Return a caller's text as it may stand in a header; empty if it is too long, or not printable ASCII.

    Runtimes differ in how they read and send other characters of a header.
    """
    text = (value or "").strip()
    is_sendable = len(text) <= MAX_APP_CHARACTERS and text.isascii() and text.isprintable()
    return text if is_sendable else ""
