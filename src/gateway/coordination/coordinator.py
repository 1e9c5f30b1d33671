"""The coordinator of one scope: it admits requests of all isolates, and counts what they spend.

A scope is what is counted together: a key, all keys, or a session. A Durable Object runs one coordinator for
each scope, and calls it for one event at a time.
"""

from collections.abc import Callable

from gateway.coordination.accounts import Accounts
from gateway.coordination.call_rate import CallRate
from gateway.coordination.cooldown_board import CooldownBoard
from gateway.coordination.grants import LIFE_MS, Grants
from gateway.coordination.message_json import decode_message, encode
from gateway.coordination.messages import Message, Reply
from gateway.coordination.storage import Storage
from gateway.coordination.tables import create_tables

# A session that is idle for this long is forgotten, as the ledger does by default (`LEDGER_DAYS`).
IDLE_MS = 90 * 86_400_000
# How often a coordinator wakes up at the most, to write off and to forget.
MIN_ALARM_MS = 60_000


class Coordinator:
    """Counts for all isolates. All that it knows is in its storage: it may be ended at any time.

    Every message may arrive twice, late, or after another one: it has the same effect then.
    """

    def __init__(self, storage: Storage, now_ms: Callable[[], int]) -> None:
        self._storage = storage
        self._now_ms = now_ms
        self._accounts = Accounts(storage)
        self._rate = CallRate(storage)
        self._grants = Grants(storage, self._accounts, self._rate)
        self._board = CooldownBoard(storage)
        self._alarm_ms: int | None = None  # what is known of the alarm; the storage has it
        create_tables(storage)

    async def admit(self, text: str) -> str:
        """Return whether a request may begin, and what it may use.

        Raises:
            ValueError: the text is no message. Nothing has changed.
        """
        return await self._answer(decode_message(text))

    async def settle(self, text: str) -> str:
        """Count what requests have used.

        Raises:
            ValueError: the text is no message. Nothing has changed.
        """
        return await self._answer(decode_message(text))

    async def release(self, text: str) -> str:
        """Take back grants whose requests were not sent, also one whose message arrives later.

        Raises:
            ValueError: the text is no message. Nothing has changed.
        """
        return await self._answer(decode_message(text))

    async def alarm(self) -> None:
        """Count what nobody has reported in time as spent, and delete what is no longer needed."""
        now_ms = self._now_ms()

        def work() -> None:
            self._grants.write_off(now_ms)
            self._grants.forget(now_ms)
            self._board.forget(now_ms)
            self._accounts.fold(now_ms, idle_ms=IDLE_MS)

        self._storage.transaction(work)
        self._alarm_ms = None
        await self._set_alarm(now_ms)

    async def _answer(self, message: Message) -> str:
        now_ms = self._now_ms()
        reply = self._storage.transaction(lambda: self._reply_to(message, now_ms))
        if self._alarm_ms is None:
            self._alarm_ms = await self._storage.alarm_at()
        if self._alarm_ms is None or self._alarm_ms > now_ms + LIFE_MS:
            await self._set_alarm(now_ms)
        return encode(reply)

    def _reply_to(self, message: Message, now_ms: int) -> Reply:
        self._grants.write_off(now_ms)  # an alarm may be late
        for report in message.reports:
            self._grants.report(report, now_ms)
        self._board.learn(message.learned, now_ms)
        learned, seen = self._board.changed_since(message.seen)
        if message.ask is None:
            return Reply(learned=learned, seen=seen)
        sums = self._accounts.sums(now_ms, but=message.ask.id)
        return Reply(
            outcome=self._grants.grant(message.ask, sums, now_ms),
            spent={span: sums.spent[span] for span in message.ask.limits},
            held=sums.held,
            learned=learned,
            seen=seen,
        )

    async def _set_alarm(self, now_ms: int) -> None:
        """Set the alarm to when something is due next; none if there is nothing to write off or to forget."""
        due_ms = [each for each in (self._grants.next_due_ms(),) if each is not None]
        if last_ms := self._accounts.last_ms():
            due_ms.append(last_ms + IDLE_MS)
        if due_ms:
            self._alarm_ms = max(min(due_ms), now_ms + MIN_ALARM_MS)
            await self._storage.set_alarm(self._alarm_ms)
