"""Talks to coordinators for one request: asks for grants, and reports what became of them."""

from gateway.coordination.grants import LEASE_MS
from gateway.coordination.message_json import decode_reply, encode
from gateway.coordination.messages import Ask, Granted, Message, Refused, Reply
from gateway.coordination.port import CoordinatorError
from gateway.http.frozen import dataclass
from gateway.memory.cooldowns import Cooldowns
from gateway.memory.ports import Ports
from gateway.memory.waiting import pause
from gateway.pipeline.shared_cooldowns import learn, note_told, to_tell
from gateway.pipeline.shared_scopes import SharedScope

# How long an isolate waits for further requests before it gives a lease back.
IDLE_S = 1.0
# How long a coordinator is not asked after it has not answered, where requests go on without it.
DOWN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorClient:
    """Sends the messages of one request.

    Attributes:
        ports: the request's ports.
        cooldowns: what this isolate knows of models that are down.
        within_s: how long a coordinator may take.
        is_strict: whether a coordinator is asked although it did not answer a moment ago.
    """

    ports: Ports
    cooldowns: Cooldowns
    within_s: float
    is_strict: bool

    async def ask(
        self, scope: SharedScope, ticket: str, *, micros: int, hold: int | None = None
    ) -> Granted | Refused | None:
        """Ask a scope's coordinator for a request; return its outcome, or None if it does not answer.

        Without an answer the request's cost is reported later all the same.

        Args:
            scope: the scope.
            ticket: identifies the request in this isolate.
            micros: how much it will likely need; with ``hold``, how much it needs.
            hold: what the request holds in all if that is granted; None if the request only begins, and is
                counted.
        """
        counts = hold is None
        allowance, now_s, grant_id = scope.allowance, self.ports.now_s(), self.ports.new_id()
        grant = allowance.ask(grant_id, ticket, now_s)
        if allowance.is_down(now_s) and not self.is_strict:
            return None
        ask = Ask(
            id=grant_id,
            limits=scope.limits,
            micros=micros,
            least=0 if counts else micros,
            per_minute=scope.per_minute,
            concurrent=scope.concurrent,
            counts=counts,
            strict=self.is_strict,
        )
        reply = await self._exchange(scope, "admit", ask)
        if reply is None or reply.outcome is None:
            return None
        allowance.note(reply)
        if isinstance(reply.outcome, Granted):
            is_limited = counts and scope.concurrent is not None
            allowance.use(grant, reply.outcome, counts=counts, is_limited=is_limited)
            if hold is not None:  # at once, before another request of this isolate takes it
                allowance.take(ticket, hold, now_s)
            return reply.outcome
        allowance.grants.pop(grant_id, None)
        return None if reply.outcome.code == "released" else reply.outcome

    async def listen(self, scope: SharedScope) -> None:
        """Tell a coordinator what this isolate has learned, and learn from it. Never raises."""
        scope.allowance.listened_until_s = self.ports.now_s() + LEASE_MS / 1000
        await self._exchange(scope, "settle")

    def has_news(self, scope: SharedScope) -> bool:
        """Return whether the coordinator does not know of a cooldown or a probe of this isolate."""
        now_s = self.ports.now_s()
        return not scope.allowance.is_down(now_s) and bool(
            to_tell(self.cooldowns, scope.allowance, now_s=now_s)
        )

    async def settle(self, scope: SharedScope) -> None:
        """Tell a coordinator what became of the isolate's requests. Never raises.

        While there is a lease, it waits for a moment: further requests may use it, and one message then tells
        of all of them. So it does if the coordinator did not answer a moment ago.
        """
        ports, allowance = self.ports, scope.allowance
        if allowance.leased_until_s > ports.now_s() or allowance.is_down(ports.now_s()):
            if ports.now_s() < allowance.settling_until_s:
                return  # another request is about to do it
            allowance.settling_until_s = ports.now_s() + 2 * IDLE_S
            await pause(IDLE_S, ports)
            allowance.settling_until_s = 0.0
        allowance.end_leases(ports.now_s(), give_back=allowance.is_idle)
        if allowance.is_due or self.has_news(scope):
            await self._exchange(scope, "settle" if allowance.has_spent else "release")

    async def _exchange(self, scope: SharedScope, method: str, ask: Ask | None = None) -> Reply | None:
        """Send a message with all that the coordinator does not know; return its reply, or None."""
        ports, allowance = self.ports, scope.allowance
        allowance.end_leases(ports.now_s(), give_back=False)
        reports = allowance.reports()
        news = to_tell(self.cooldowns, allowance, now_s=ports.now_s())
        message = Message(ask=ask, reports=reports, learned=news, seen=allowance.seen)
        reply, what = None, ""
        try:
            async with ports.within(self.within_s):
                reply = decode_reply(await ports.coordinator.call(scope.name, method, encode(message)))
        except CoordinatorError as error:
            what = error.what
        except TimeoutError:
            what = "late"
        except ValueError:
            what = "malformed"
        if reply is None:
            allowance.down_until_s = ports.now_s() + DOWN_S
            ports.log("coordinator_failed", scope=scope.kind, method=method, error=what)
            return None
        allowance.confirm(reports)
        note_told(allowance, (*news, *reply.learned), now_s=ports.now_s())
        learn(self.cooldowns, reply.learned, now_s=ports.now_s())
        allowance.seen = reply.seen
        return reply
