"""Isolates that share one ledger, and an upstream that bills them: for the properties of budgets."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.http.body import HttpResponse
from gateway.http.json_values import JsonObject
from gateway.http.message import ClientGoneError
from gateway.memory.isolate import Memory
from gateway.memory.ports import DatabaseError, Statement
from gateway.memory.spending import Spending
from tests.support.chunks import DONE, chunk, text
from tests.support.planning import catalog_of, listed
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import HANG, RESET, Act, Upstream, reply
from tests.support.world import World, chat, finish, one_key

KINDS = ("plain", "stream", "leave", "cut", "empty", "no usage", "unbilled")
CENT_MICROS = 10_000


@dataclass(slots=True)
class Bank:
    """What the upstream has billed, in micro-dollars by generation. It reports the bill when asked later."""

    billed: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All that was billed."""
        return sum(self.billed.values())

    def act(self, upstream: Upstream) -> Act:
        """Return what a model plays: each request says in its metadata how it ends and what it costs."""

        async def play(request: httpx.Request) -> httpx.Response:
            body = json.loads(await request.aread())
            kind, micros = body["metadata"]["kind"], int(body["metadata"]["micros"])
            name = f"gen-{len(self.billed) + 1}"
            if kind == "unbilled":
                return await reply(503, b"{}")(request)
            self.billed[name] = micros
            told = {"data": {"total_cost": micros / 1e6}}
            upstream.pages[f"/generation?id={name}"] = (reply(200, json.dumps(told).encode()),)
            usage: JsonObject = {"prompt_tokens": 1, "completion_tokens": 1, "cost": micros / 1e6}
            return await _reply_of(kind, name, usage, stream=bool(body.get("stream")))(request)

        return play


def _reply_of(kind: str, name: str, usage: JsonObject, *, stream: bool) -> Act:
    if not stream:
        content = "" if kind == "empty" else "Hello."
        choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        said: dict[str, Any] = {"id": name, "choices": [choice]}
        if kind == "plain":
            said["usage"] = usage
        return reply(200, 0.5, json.dumps(said).encode(), x_generation_id=name)
    ends: dict[str, tuple[bytes | float | Exception, ...]] = {
        "leave": (HANG,),
        "cut": (RESET,),
        "no usage": (chunk({}, finish="stop"), DONE),
    }
    end = ends.get(kind, (chunk({}, finish="stop", usage=usage), DONE))
    steps = (0.5, text("Hello."), *end)
    return reply(200, *steps, content_type="text/event-stream", x_generation_id=name)


class _Line:
    """One isolate's connection to the shared database; a killed isolate's connection is dead."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.bound = True
        self.is_dead = False
        self._database = database

    async def batch(self, statements: Sequence[Statement]) -> list[list[JsonObject]]:
        if self.is_dead:
            raise DatabaseError("dead")
        return await self._database.batch(statements)


@dataclass(slots=True)
class Holds:
    """What requests held of the budget, and by how much they exceeded it.

    Attributes:
        in_flight: for each request whose row is not written, what it holds and the most that it may cost. The
            requests of killed isolates stay.
        most_in_flight: the largest number of them at one time.
        beyond_micros: the most by which an ended request cost more than it held.
    """

    in_flight: dict[str, tuple[int, int]] = field(default_factory=dict)
    most_in_flight: int = 0
    beyond_micros: int = 0

    @property
    def overshoot_micros(self) -> int:
        """How far a budget may be exceeded, by the formula of docs/access.md."""
        open_micros = [worst - held for held, worst in self.in_flight.values()]
        return self.most_in_flight * max(self.beyond_micros, *open_micros, 0)


class WatchedSpending(Spending):
    """Spending that tells what requests hold."""

    def __init__(self, holds: Holds) -> None:
        super().__init__()
        self._holds = holds

    def hold(
        self, key: str, ticket: str, micros: int, *, now_s: float, worst_micros: int | None = None
    ) -> None:
        super().hold(key, ticket, micros, now_s=now_s, worst_micros=worst_micros)
        holds = self._holds
        holds.in_flight[ticket] = (micros, micros if worst_micros is None else worst_micros)
        holds.most_in_flight = max(holds.most_in_flight, len(holds.in_flight))

    def settle(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        super().settle(key, ticket, micros, now_s=now_s)
        held, _ = self._holds.in_flight.get(ticket, (micros, micros))
        self._holds.beyond_micros = max(self._holds.beyond_micros, micros - held)

    def written(self, key: str, ticket: str) -> None:
        super().written(key, ticket)
        self._holds.in_flight.pop(ticket, None)


class Isolates:
    """Isolates of one gateway with a key whose budget is ``limit_micros`` a day; ``hold``: BUDGET_HOLD.

    ``env`` is added to its settings.
    """

    def __init__(self, count: int, *, limit_micros: int, bank: Bank, hold: str, **env: str) -> None:
        self.database = SqliteDatabase()
        self.holds = Holds()
        self._bank = bank
        self._hold = hold
        self._limit_micros = limit_micros
        self._env = env
        self._upstream = Upstream()
        self._upstream.scripts["a/one"] = (bank.act(self._upstream),)
        self._made = 0
        self._tasks: dict[int, list[asyncio.Task[None]]] = {}
        self.worlds = [self.fresh() for _ in range(count)]

    def fresh(self) -> World:
        """Return an isolate that has just begun."""
        budget = {"day_usd": self._limit_micros / 1e6}
        env = {"GATEWAY_KEYS": one_key(budget=budget), "BUDGET_HOLD": self._hold, **self._env}
        memory = Memory(spending=WatchedSpending(self.holds))
        world = World(env, upstream=self._upstream, memory=memory)
        world.database = _Line(self.database)  # type: ignore[assignment]  # it plays the same
        world.memory.catalog.catalog = catalog_of(listed("a/one"))
        self._made += 1
        world.ids = self._made * 1_000_000
        return world

    def ask(self, index: int, kind: str, micros: int, max_tokens: int | None = None) -> None:
        """Begin a request in the background."""
        stream = kind not in ("plain", "empty")
        fields = {"metadata": {"kind": kind, "micros": micros}, "gateway": {"retries": 1}}
        limit = {} if max_tokens is None else {"max_tokens": max_tokens}
        body = chat("a/one", stream=stream, **limit, **fields)
        task = asyncio.create_task(_run(self.worlds[index], body, leaves=kind == "leave"))
        self._tasks.setdefault(id(self.worlds[index]), []).append(task)

    async def kill(self, index: int) -> None:
        """Kill an isolate, whatever it was doing; another takes its place."""
        world = self.worlds[index]
        world.database.is_dead = True  # type: ignore[attr-defined]  # see _Line
        world.background.clear()
        for task in self._tasks.pop(id(world), []):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        world.background.clear()
        world.memory = Memory()
        self.worlds[index] = self.fresh()

    async def end(self) -> None:
        """Wait until all requests have ended and their background work is done."""
        for tasks in self._tasks.values():
            await asyncio.gather(*tasks)
        for world in self.worlds:
            await world.let_run()

    def counted(self, *, at_worst: bool = False) -> int:
        """Return what the ledger counts against the budget for an isolate that knows nothing else.

        ``at_worst``: what it counts once nobody sees the end of the requests in flight.
        """
        (row,) = self.database.rows(
            "SELECT (SELECT coalesce(sum(cost_micros), 0) FROM spend) "
            "+ (SELECT coalesce(sum(worst_micros), 0) FROM unsettled) "
            "+ (SELECT coalesce(sum(iif(?, max(micros, worst_micros), micros)), 0) FROM reservations) "
            "AS micros",
            at_worst,
        )
        return int(str(row["micros"]))


async def _run(world: World, body: dict[str, object], *, leaves: bool) -> None:
    response = await world.begin(body)
    await _read(response, leaves=leaves)
    await world.let_run()


async def _read(response: HttpResponse, *, leaves: bool) -> None:
    async def leave(_: bytes) -> None:
        raise ClientGoneError

    await finish(response, on_write=leave if leaves else None)
