"""Finds out which session a request belongs to: a conversation, or the run of an agent."""

from collections.abc import Iterator
from hashlib import sha256

from gateway.dialects.model_request import ModelRequest
from gateway.http.frozen import dataclass
from gateway.http.message import HttpRequest
from gateway.http.session_headers import SESSION_HEADERS
from gateway.settings.caller import Caller

# OpenRouter accepts no longer name. Source: OpenRouter API reference, `session_id`.
MAX_NAME_CHARACTERS = 256
# Half of a SHA-256 digest: it is a column of the ledger, and tells sessions apart as well.
DIGEST_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The session of a request.

    Attributes:
        name: its name, as the client wrote it; None if the request names no session, but a user.
        digest: a digest of the name and the caller. Callers never share a session, whatever they call it.
    """

    name: str | None
    digest: str


def session_of(http: HttpRequest, request: ModelRequest, caller: Caller) -> Session | None:
    """Return the session that a request names; None if it names none.

    The first valid name counts: the body's ``session_id``, the headers of ``SESSION_HEADERS``, the body's
    ``prompt_cache_key``. Without one, the body's ``user`` stands for a session, for the model's choice only.
    Source: OpenRouter: the body's ``session_id`` takes precedence over the header.
    """
    name = next((each for each in _names(http, request) if each and is_name(each)), None)
    if name is not None:
        return Session(name=name, digest=_digest(caller, "session", name))
    if request.user:
        return Session(name=None, digest=_digest(caller, "user", request.user))
    return None


def counted_session(session: Session | None, caller: Caller) -> str | None:
    """Return the session whose sum in the ledger a request counts for; None if it names none.

    All requests of a lent key are one session, whatever they name.
    """
    if caller.lent is not None:
        return caller.lent.session
    return session.digest if session and session.name else None


def is_name(text: str) -> bool:
    """Return whether a text can name a session: printable, not blank, and not too long."""
    return len(text) <= MAX_NAME_CHARACTERS and text.isprintable() and not text.isspace()


def _names(http: HttpRequest, request: ModelRequest) -> Iterator[str | None]:
    yield request.session
    for header in SESSION_HEADERS:
        yield http.header(header)
    yield request.prompt_cache_key


def _digest(caller: Caller, kind: str, name: str) -> str:
    text = "\0".join((caller.name, caller.own_key_digest or "", kind, name))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_DIGITS]
