"""Answers that requests share: those in flight, and those that have just ended.

Plain data only: the request that asked for an answer adds to it, and others read it at times of their own.
"""

from gateway.http.message import HeaderPairs

# The most of one answer that is kept, and of all answers together. An isolate has 128 MB for all it does.
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_BYTES = 16 * 1024 * 1024
MAX_ANSWERS = 1_000
# How much of a stream may wait for its readers while all answers together are too large.
MAX_UNREAD_BYTES = 64 * 1024
# What Python needs for a piece beside its bytes.
PIECE_BYTES = 64
# An answer in flight is lost if its request has not touched it for so long: the runtime dropped the request.
DEAD_S = 10.0


class BeginningLostError(Exception):
    """What a reader would read next is not kept any more."""


class SharedAnswer:
    """One answer that requests share.

    Attributes:
        name: what a repeat finds it by.
        fingerprint: a digest of the request.
        touched_at_s: when the request that asks for it was last seen to run, in Unix time.
        status: the status of the response; None until it is known.
        headers: the response's headers, without those that belong to one request.
        stated: further fields of the receipt, each of which is a header, too.
        is_stream: whether the response is a stream.
        model: the model that serves it; None while there is none.
        outcome: how it ended; empty while it is in flight.
        ended_at_s: when it ended.
        left_at_s: since when nobody reads it; None while somebody does.
        kept_bytes: how much memory its pieces take.
    """

    def __init__(self, name: str, fingerprint: str, *, now_s: float) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.touched_at_s = now_s
        self.status: int | None = None
        self.headers: HeaderPairs = ()
        self.stated: dict[str, str] = {}
        self.is_stream = False
        self.model: str | None = None
        self.outcome = ""
        self.ended_at_s = 0.0
        self.left_at_s: float | None = None
        self.kept_bytes = 0
        self._pieces: list[bytes] = []
        self._dropped = 0  # how many pieces from the beginning are not kept any more
        self._unread_bytes = 0  # how much no reader has read yet
        self._furthest = 0
        self._next: dict[int, int] = {}  # by reader, the number of the piece that it reads next
        self._readers = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing will be added."""
        return bool(self.outcome)

    @property
    def has_beginning(self) -> bool:
        """Whether a new reader can read it from its beginning."""
        return not self._dropped

    @property
    def has_readers(self) -> bool:
        """Whether somebody reads it."""
        return bool(self._next)

    @property
    def unread_bytes(self) -> int:
        """How much no reader has read yet."""
        return self._unread_bytes

    @property
    def body(self) -> bytes:
        """All that is kept."""
        return b"".join(self._pieces)

    def attach(self) -> int:
        """Return the number of a new reader, which reads from the beginning."""
        self._readers += 1
        self._next[self._readers] = 0
        self.left_at_s = None
        return self._readers

    def detach(self, reader: int, *, now_s: float) -> None:
        """Say that a reader reads no more."""
        if self._next.pop(reader, None) is not None and not self._next:
            self.left_at_s = now_s

    def read(self, reader: int) -> bytes:
        """Return all that the reader has not read yet.

        Raises:
            BeginningLostError: some of it is not kept any more.
        """
        start, end = self._next[reader], self._dropped + len(self._pieces)
        if start < self._dropped:
            raise BeginningLostError
        self._next[reader] = end
        if end > self._furthest:
            self._furthest, self._unread_bytes = end, 0
        return b"".join(self._pieces[start - self._dropped :])

    def add(self, piece: bytes) -> int:
        """Add a piece; return how much memory it takes."""
        size = len(piece) + PIECE_BYTES
        self._pieces.append(piece)
        self._unread_bytes += size
        self.kept_bytes += size
        return size

    def drop(self) -> int:
        """Drop the older half of what is kept, if a reader has read it; return how much memory that frees."""
        freed, count, goal = 0, 0, self.kept_bytes // 2
        while freed < goal <= self.kept_bytes - self._unread_bytes:
            freed += len(self._pieces[count]) + PIECE_BYTES
            count += 1
        del self._pieces[:count]
        self._dropped += count
        self.kept_bytes -= freed
        return freed


class SharedAnswers:
    """The answers in flight, and those that are kept for a while, within these limits."""

    def __init__(self) -> None:
        self._answers: dict[str, SharedAnswer] = {}  # those that ended are in the order of their ends
        self._bytes = 0

    def find(self, name: str, *, now_s: float, keep_s: float) -> SharedAnswer | None:
        """Return the answer of this name that is in flight, or ended at most ``keep_s`` seconds ago."""
        answer = self._answers.get(name)
        if answer is None:
            return None
        at_s, most_s = (answer.ended_at_s, keep_s) if answer.has_ended else (answer.touched_at_s, DEAD_S)
        if now_s - at_s > most_s:
            self.forget(answer)
            return None
        return answer

    def begin(self, name: str, fingerprint: str, *, now_s: float) -> SharedAnswer:
        """Return a new answer of this name."""
        before = self._answers.get(name)
        if before is not None:
            self.forget(before)
        answer = self._answers[name] = SharedAnswer(name, fingerprint, now_s=now_s)
        self._make_room()
        return answer

    def add(self, answer: SharedAnswer, piece: bytes) -> None:
        """Add a piece to an answer. A stream that is too long loses its beginning."""
        size = answer.add(piece)
        if self._holds(answer):
            self._bytes += size
            self._make_room()
        if answer.is_stream and (answer.kept_bytes > MAX_ANSWER_BYTES or self._bytes > MAX_BYTES):
            freed = answer.drop()
            self._bytes -= freed if self._holds(answer) else 0

    def must_wait(self, answer: SharedAnswer) -> bool:
        """Whether no more should be added to a stream until a reader has read on."""
        if answer.kept_bytes > MAX_ANSWER_BYTES:
            return answer.unread_bytes > answer.kept_bytes // 2
        return self._bytes > MAX_BYTES and answer.unread_bytes > MAX_UNREAD_BYTES

    def end(self, answer: SharedAnswer, outcome: str, *, keep: bool, now_s: float) -> None:
        """Say how an answer ended. Whoever reads it reads on; repeats find it only if it is to be kept."""
        answer.outcome, answer.ended_at_s = outcome, now_s
        if not self._holds(answer):
            return
        if keep and answer.has_beginning and answer.kept_bytes <= MAX_ANSWER_BYTES + PIECE_BYTES:
            self._answers[answer.name] = self._answers.pop(answer.name)
            self._make_room()
        else:
            self.forget(answer)

    def forget(self, answer: SharedAnswer) -> None:
        """Forget an answer: no repeat finds it any more."""
        if self._holds(answer):
            del self._answers[answer.name]
            self._bytes -= answer.kept_bytes

    def _holds(self, answer: SharedAnswer) -> bool:
        return self._answers.get(answer.name) is answer

    def _make_room(self) -> None:
        """Forget the answers that ended first while there is too much."""
        while self._bytes > MAX_BYTES or len(self._answers) > MAX_ANSWERS:
            oldest = next((each for each in self._answers.values() if each.has_ended), None)
            if oldest is None:
                return
            self.forget(oldest)
