"""Describes how the engine reads a stream of one wire format: up to the commit point, and after it."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from gateway.dialects.event_data import EventPayload
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.dialects.read_event import ReadEvent
from gateway.faults.classify import GetHeader
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject


class Opened(Enum):
    """What an event means before the commit point."""

    HELD = "held"  # it is no progress, but the client needs it: it is sent after the commit, in order
    DROPPED = "dropped"  # the client does not need it
    COMMITTED = "committed"  # the first progress: the answer belongs to this model from now on
    WITHHELD = "withheld"  # the answer ends here without having said anything, because it was filtered


class Opening(Protocol):
    """Reads the events of one stream up to its commit point.

    Attributes:
        first: the object with the answer's ``id``, ``model`` and ``provider``; empty until one has arrived.
    """

    first: JsonObject

    def take(self, payload: JsonObject) -> Opened:
        """Return what an event means.

        Raises:
            AttemptFailedError: the event reports an error, or ends the answer before it has begun.
        """


def note_nothing(_: bytes) -> None:
    """Forget a signature: nobody wants to know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamContext:
    """What an ``AnswerStream`` needs to know of the answer that it reads.

    Attributes:
        request: the request that is answered.
        first: see ``Opening``.
        names: the ``id``, ``created`` and ``model`` of an answer that states none.
        header: returns a header of the upstream's reply.
        now_s: returns Unix time in seconds.
        settle: records a usage; returns whether it has added the cost to it.
        collect_text: whether the text is collected, so that another model can continue it.
        note_signature: called with the digest of each signature that the answer has.
        model: the model that serves the answer, by the name that the caller knows.
        shown_model: the name that the answer must state as its model; None: that which the upstream states.
        reasoning_only: whether the answer may hold reasoning and nothing else.
        note: adds a note to the receipt.
    """

    request: ModelRequest
    first: JsonObject
    names: JsonObject
    header: GetHeader
    now_s: Callable[[], float]
    settle: Callable[[JsonObject], bool]
    collect_text: bool
    model: str = ""
    shown_model: str | None = None
    reasoning_only: bool = False
    note: Callable[[str], None] = lambda _: None
    note_signature: Callable[[bytes], None] = note_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerContext:
    """What is to be told in a plain answer. ``StreamContext`` has the same for a stream.

    Attributes:
        request: the request that is answered.
        model: the model that serves the answer, by the name that the caller knows.
        shown_model: the name that the answer must state as its model; None: that which the upstream states.
        note: adds a note to the receipt.
        state: adds a field to the receipt, and a header of the same name.
        answer: the answer as it was read.
    """

    request: ModelRequest
    model: str
    shown_model: str | None
    note: Callable[[str], None]
    state: Callable[[str, str], None]
    answer: Completion


@dataclass(frozen=True, slots=True)
class Taken:
    """What becomes of an event after the commit.

    Attributes:
        sent: what the client gets now.
        progress: whether the model has made progress.
        ends: whether the answer is complete, and nothing may follow.
        repeats: whether events that differ from it only in their texts may pass without being read.
        changes_state: whether events that were like those before it may now mean something else.
    """

    sent: bytes = b""
    progress: bool = False
    ends: bool = False
    repeats: bool = False
    changes_state: bool = False


class AnswerStream(Protocol):
    """Reads the events of one committed stream, in order, and writes what the client gets for each.

    It may hold events back until it is known whether the answer goes on after them.
    """

    @property
    def is_complete(self) -> bool:
        """Whether the answer is complete as it stands, although its stream has not ended."""

    @property
    def may_be_complete(self) -> bool:
        """Whether the answer is complete if the upstream closes the stream here, without an end."""

    @property
    def holds_all(self) -> bool:
        """Whether every event must be read: none may pass because it repeats another."""

    @property
    def may_hand_over(self) -> bool:
        """Whether the runtime may pass on the rest of the stream unread."""

    @property
    def text(self) -> str | None:
        """What the client has of the text; None if it is not collected, or not all is text."""

    def take(self, here: ReadEvent) -> Taken:
        """Return what becomes of an event.

        Raises:
            AttemptFailedError: the event reports an error, or cannot be part of this answer.
            TooMuchError: of an ``AssembledStream``: the answer is too large.
        """

    def release(self) -> bytes:
        """Return the events that were held back, as the model sent them: the answer is cut off here."""

    def flush(self, receipt: Callable[[], JsonObject]) -> bytes:
        """Return the events that were held back; the last usage gets the receipt."""

    def end(self, receipt: Callable[[], JsonObject], last: bytes) -> bytes:
        """Return the last bytes of a complete answer, with the receipt if a usage was stated.

        ``last`` is the upstream's own event that ended the stream; empty if there was none.
        """

    def error_event(self, error: JsonObject) -> bytes:
        """Return the event that tells the client that the answer was cut off.

        ``error`` is the error's body in this dialect.
        """

    def restart_event(self, first: JsonObject, code: str | None, model: str) -> bytes:
        """Return the event that tells the client to discard the answer so far.

        It is called only if the dialect's ``can_restart`` is set.
        """


class AssembledStream(AnswerStream, Protocol):
    """A stream of which nothing is passed on: its events are put together to a plain answer."""

    def add_repeated(self, read: EventPayload) -> None:
        """Add an event that repeats one that was taken.

        Raises:
            TooMuchError: the answer is too large.
        """

    def to_bytes(self) -> bytes:
        """Return the body that the upstream would have sent as a plain answer.

        Raises:
            TooMuchError: the answer is too large.
        """
