"""What a dialect must say: the forms of answers, of streams and of errors."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # a turn names its dialect
    from simulator.answers import Answer, Json
    from simulator.asked import Asked
    from simulator.fault import Fault
    from simulator.framing import Event
    from simulator.steps import Tally
    from simulator.turn import Turn


MAX_MODELS = 3
# Source: OpenRouter's words.
EMPTY_INPUT = "Input must have at least 1 token."
TOO_MANY = f"'{{field}}' array must have {MAX_MODELS} items or fewer."


class Dialect(Protocol):
    """One wire format.

    A stream of an answer is `opening`, then `progress`, then `closing`.
    """

    @property
    def path(self) -> str:
        """The path of the endpoint, below the prefix."""

    @property
    def output(self) -> str:
        """What its models put out: one of OpenRouter's `output_modalities`."""

    @property
    def streams(self) -> bool:
        """Whether a request can ask for a stream."""

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Return the words with which the body is refused; None if it is a request of this dialect."""

    def invalid(self, words: str) -> "Fault":
        """Return the error of a body that is refused with these words."""

    def asked(self, body: Mapping[str, Any]) -> "Asked":
        """Return what the conversation says."""

    def body(self, turn: "Turn", answer: "Answer") -> "Json":
        """Return the body of a plain answer."""

    def payload(self, turn: "Turn", answer: "Answer") -> bytes:
        """Return the bytes of a plain answer."""

    def media_type(self, turn: "Turn") -> str:
        """Return the content type of a plain answer."""

    def tally(self, turn: "Turn", answer: "Answer") -> "Tally":
        """Return the tokens and the cost of an answer."""

    def opening(self, turn: "Turn", answer: "Answer") -> Iterable["Event"]:
        """Return the events that come before anything is said."""

    def progress(self, turn: "Turn", answer: "Answer") -> Iterator["Event"]:
        """Yield the events that contain the answer's pieces."""

    def closing(self, turn: "Turn", answer: "Answer") -> Sequence["Event"]:
        """Return the finish reason, the usage, and as last event the one that ends a stream."""

    def first_block(self, turn: "Turn", answer: "Answer") -> Sequence["Event"]:
        """Return a stream's events until its first block (in chat: its text) is complete."""

    def hollow_body(self, turn: "Turn") -> "Json":
        """Return the body of an answer without content, finish reason and tokens."""

    def hollow_events(self, turn: "Turn") -> Sequence["Event"]:
        """Return a stream without content and finish reason."""

    def broken_body(self, turn: "Turn", answer: "Answer", fault: "Fault") -> "Json":
        """Return the body of an answer that ended in an error after its text."""

    def breaking_events(self, turn: "Turn", fault: "Fault") -> Sequence["Event"]:
        """Return the events that end such an answer in a stream."""

    def error(self, generation_id: str, fault: "Fault") -> "Json":
        """Return the body of an error."""

    def bare_error(self, error: object) -> "Json":
        """Return the body of an error whose `error` is this value."""

    def error_event(self, turn: "Turn", body: "Json") -> "Event":
        """Return the event with the error of this body."""

    def mid_stream_error(self, turn: "Turn", fault: "Fault") -> "Event":
        """Return an error in the documented form of a stream that has begun."""
