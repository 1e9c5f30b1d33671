"""Relays an answer of bytes, such as audio, from its first piece to its end.

Nothing can be said to a client once it has got a byte. So an answer that is cut off ends early: the client's
connection is closed before the response is complete.
"""

from collections.abc import Callable

from gateway.fallback.attempt_once import ServedBytes, fault_of
from gateway.fallback.receipt import Receipt
from gateway.faults.fault import Fault
from gateway.http.body import CutOffError, Sink
from gateway.http.frozen import dataclass
from gateway.http.message import ClientGoneError, TransportError
from gateway.memory.ports import Ports
from gateway.streaming.idle_timer import IdleTimer


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedBytes:
    """The response body for an answer of bytes that has begun; see ``http.body.Stream``.

    Attributes:
        served: the answer, and the attempt that produced it.
        receipt: the request's receipt.
        idle_s: the longest time without a byte, in seconds.
        ports: the clock, the timers and the log.
        on_end: called once, with the outcome: ``answered``, ``client_gone`` or an error code.
    """

    served: ServedBytes
    receipt: Receipt
    idle_s: float
    ports: Ports
    on_end: Callable[[str], None]
    hands_over: bool = False

    async def run(self, sink: Sink) -> None:
        """Relay until the answer ends, or the client leaves.

        Raises:
            CutOffError: the answer was cut off.
        """
        reply, attempt = self.served.answer.reply, self.served.attempt
        outcome = "client_gone"
        try:
            fault = await self._relay(sink)
            outcome = "answered" if fault is None else fault.code
            if fault is not None:
                attempt.fail(fault_of(fault, self.served.upstream), outcome="cut_off")
                attempt.ms += self.receipt.time_until(self.ports.now_s())
                raise CutOffError
        except ClientGoneError:
            pass
        finally:
            reply.abort()
            if outcome == "client_gone":
                attempt.outcome = "cancelled"
            self.on_end(outcome)

    async def _relay(self, sink: Sink) -> Fault | None:
        """Send all bytes; return why the answer was cut off, or None if it is complete.

        Raises:
            ClientGoneError: the client has disconnected.
        """
        answer, ports = self.served.answer, self.ports
        timer = IdleTimer(
            self.idle_s,
            answer.reply.abort,
            lambda: sink.blocked,
            call_later=ports.call_later,
            now_s=ports.now_s,
        )
        step = _CountStep(timer, len(answer.first))
        try:
            await sink.write(answer.first)
            await sink.relay(answer.reply, step)
        except TransportError:
            return Fault(code="idle_timeout" if timer.fired else "connection_lost")
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001  # a bug in the gateway: the answer counts as cut off
            ports.log_bug(error)
            return Fault(code="gateway_fault")
        finally:
            timer.stop()
        is_short = answer.length_bytes is not None and step.bytes_sent < answer.length_bytes
        return Fault(code="connection_lost") if is_short else None


class _CountStep:
    """Counts the bytes that pass, and restarts the idle timer; see ``http.body.Step``."""

    hands_over = False
    rest = b""

    def __init__(self, timer: IdleTimer, bytes_sent: int) -> None:
        self.bytes_sent = bytes_sent
        self._timer = timer

    def take(self, piece: bytes) -> bytes:
        """Return the piece."""
        self._timer.touch()
        self.bytes_sent += len(piece)
        return piece
