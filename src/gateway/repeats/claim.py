"""Finds out whether a request is a repeat: by its ``Idempotency-Key``, or by its body if it may join.

This is the only place where an earlier answer is looked up.
"""

from hashlib import sha256

from gateway.dialects.dialect import Dialect
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import to_json_bytes
from gateway.http.message import IDEMPOTENCY_KEY
from gateway.memory.shared_answers import SharedAnswer
from gateway.pipeline.call import Call
from gateway.settings.caller import Caller
from gateway.settings.options import Options

MAX_KEY_CHARACTERS = 255
OUTSTANDING_WAIT_S = 5.0  # a guess: when the answer will end is not known


class Claim:
    """What one request has to do with an earlier one.

    Attributes:
        name: what its answer is shared by; empty if it is not shared.
        fingerprint: a digest of the request.
        raw: its body, if it is a repeat.
        is_repeat: whether there was an earlier answer when the budgets were checked.
        outcome: how the request ended; empty until then.
    """

    def __init__(self, call: Call, dialect: Dialect) -> None:
        self.name = ""
        self.fingerprint = ""
        self.raw = b""
        self.is_repeat = False
        self.outcome = ""
        self._call = call
        self._dialect = dialect

    def is_free(self, raw: bytes, options: Options) -> bool:
        """Note what the request is; return whether it gets an earlier answer, so that it costs nothing.

        Raises:
            GatewayError: its key is invalid, or another request has it; or the earlier answer is too long.
        """
        call = self._call
        key = call.request.header(IDEMPOTENCY_KEY.lower())
        if key is None and not options.join:
            return False
        self.fingerprint = _fingerprint(call, self._dialect, raw)
        if key is None:
            self.name = _name(call.caller, "body", self.fingerprint)
        else:
            _check_key(key)
            self.name = _name(call.caller, "key", key)
        self.is_repeat = self.find() is not None
        if self.is_repeat:
            self.raw = raw
        return self.is_repeat

    def find(self) -> SharedAnswer | None:
        """Return the earlier answer that the request gets; None if it is the first.

        Raises:
            GatewayError: the key is that of another request, or the earlier answer is too long.
        """
        call = self._call
        keep_s = call.settings.idempotency_s
        found = call.memory.shared_answers.find(self.name, now_s=call.ports.now_s(), keep_s=keep_s)
        if found is None:
            return None
        if found.fingerprint != self.fingerprint:
            raise GatewayError(
                "idempotency_key_already_used",
                f"{IDEMPOTENCY_KEY} is already used, by a request with another body. Send a new key.",
                param=IDEMPOTENCY_KEY,
            )
        if not found.has_beginning:
            raise GatewayError(
                "idempotency_key_outstanding",
                f"A request is outstanding for this {IDEMPOTENCY_KEY} or body, and its answer is too long to "
                "be given again from its beginning. Wait until it has ended.",
                param=IDEMPOTENCY_KEY,
                retry_after_s=OUTSTANDING_WAIT_S,
                retryable=True,
            )
        return found


def _check_key(key: str) -> None:
    """Raise ``GatewayError`` if a key is blank, too long or not printable."""
    if key.isascii() and key.isprintable() and not key.isspace() and 0 < len(key) <= MAX_KEY_CHARACTERS:
        return
    raise GatewayError(
        "invalid_field",
        f"{IDEMPOTENCY_KEY} must have 1 to {MAX_KEY_CHARACTERS} printable ASCII characters, as a UUID has.",
        param=IDEMPOTENCY_KEY,
    )


def _name(caller: Caller, kind: str, text: str) -> str:
    """Return what an answer is shared by. Callers never share one, whatever they send."""
    scope = "\0".join((caller.name, caller.own_key_digest or "", kind, text))
    return sha256(scope.encode("utf-8", "surrogatepass")).hexdigest()


def _fingerprint(call: Call, dialect: Dialect, raw: bytes) -> str:
    """Return a digest of the path, the headers that go upstream, and the body."""
    headers = [text for pair in dialect.upstream_headers(call.request) for text in pair]
    digest = sha256(to_json_bytes([dialect.name, call.request.path, *headers]))
    digest.update(raw)
    return digest.hexdigest()
