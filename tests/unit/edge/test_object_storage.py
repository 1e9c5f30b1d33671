"""The storage of a Durable Object, on the contexts of both kinds of SDK."""

import asyncio
import contextlib
import json
import sqlite3
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from gateway.coordination.storage import Storage
from tests.support.javascript import Proxy, import_with

MODULE = "gateway.edge.object_storage"
TABLE = "CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER, x REAL)"


class Exec:
    """A fake of JavaScript's function, which gets ``null`` only from values that JavaScript has made."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def apply(self, this: SimpleNamespace, given: list[Any]) -> SimpleNamespace:
        assert id(this.exec) == id(self)  # a detached method of a native object fails
        return self._run(*given)

    def __call__(self, sql: str, *values: object) -> SimpleNamespace:
        assert None not in values  # it would be undefined
        return self._run(sql, *values)

    def _run(self, sql: str, *values: object) -> SimpleNamespace:
        # JavaScript's numbers are floats.
        bound = [float(value) if isinstance(value, int) else value for value in values]
        rows = [dict(row) for row in self._database.execute(sql, bound)]
        return SimpleNamespace(toArray=lambda: rows)


class RawStorage:
    """A fake of JavaScript's storage, over SQLite in memory."""

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", isolation_level=None)
        self.database.row_factory = sqlite3.Row
        self.at_ms: int | None = None
        self.proxies: list[Proxy] = []
        self.sql = SimpleNamespace(exec=Exec(self.database))

    def transactionSync(self, work: Proxy) -> None:  # noqa: N802  # JavaScript's name
        self.proxies.append(work)
        self.database.execute("BEGIN")
        try:
            work.target()
        except BaseException:  # noqa: BLE001  # as JavaScript does
            self.database.execute("ROLLBACK")
            raise RuntimeError("another exception comes out of JavaScript") from None
        self.database.execute("COMMIT")

    async def getAlarm(self) -> int | None:  # noqa: N802  # JavaScript's name
        return self.at_ms

    async def setAlarm(self, at_ms: int) -> None:  # noqa: N802  # JavaScript's name
        self.at_ms = at_ms

    async def deleteAlarm(self) -> None:  # noqa: N802  # JavaScript's name
        self.at_ms = None


class Wrapper:
    """A fake of a wrapper that converts all that is asked of it: of itself it has one private attribute."""

    def __init__(self, **raw: object) -> None:
        self.__dict__.update(raw)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        pytest.fail(f"{name} was asked of the wrapper")


def raw(storage: RawStorage) -> object:
    return SimpleNamespace(storage=storage)


def wrapped(storage: RawStorage) -> object:
    return Wrapper(_ctx=SimpleNamespace(storage=storage))


def wrapped_storage(storage: RawStorage) -> object:
    return SimpleNamespace(storage=Wrapper(_binding=storage))


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    parsing = SimpleNamespace(parse=json.loads, stringify=json.dumps)
    return import_with(monkeypatch, MODULE, js={"JSON": parsing}, ffi={"create_proxy": Proxy})


@pytest.fixture
def js_storage() -> RawStorage:
    return RawStorage()


@pytest.fixture(params=[raw, wrapped, wrapped_storage])
def storage(module: ModuleType, js_storage: RawStorage, request: pytest.FixtureRequest) -> Storage:
    made: Storage = module.ObjectStorage(request.param(js_storage))
    return made


def test_rows_come_back_as_python_values(storage: Storage) -> None:
    storage.rows(TABLE)
    storage.rows("INSERT INTO t VALUES (?, ?, ?)", "é'\"\x00", 2**53 - 1, None)

    assert storage.rows("SELECT * FROM t WHERE n > ?", 5) == [{"id": "é'\"\x00", "n": 2**53 - 1, "x": None}]


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf")])
def test_a_number_that_javascript_does_not_hold_exactly_is_refused(storage: Storage, value: float) -> None:
    storage.rows(TABLE)

    with pytest.raises(ValueError, match="too large, or not finite"):
        storage.rows("INSERT INTO t VALUES ('a', ?, 0)", value)

    assert storage.rows("SELECT * FROM t") == []


def test_a_transaction_returns_the_value_of_its_function(storage: Storage) -> None:
    storage.rows(TABLE)

    def work() -> int:
        storage.rows("INSERT INTO t VALUES ('a', 1, 0)")
        return 7

    assert storage.transaction(work) == 7
    assert len(storage.rows("SELECT * FROM t")) == 1


def test_a_transaction_that_raises_stores_nothing_and_raises_its_own_exception(storage: Storage) -> None:
    storage.rows(TABLE)

    def work() -> None:
        storage.rows("INSERT INTO t VALUES ('a', 1, 0)")
        raise LookupError("of the function")

    with pytest.raises(LookupError, match="of the function"):
        storage.transaction(work)

    assert storage.rows("SELECT * FROM t") == []


@pytest.mark.parametrize("raises", [False, True])
def test_the_proxy_of_a_transaction_is_destroyed(
    storage: Storage, js_storage: RawStorage, *, raises: bool
) -> None:
    def work() -> None:
        if raises:
            raise LookupError

    with contextlib.suppress(LookupError):
        storage.transaction(work)

    assert [proxy.destroyed for proxy in js_storage.proxies] == [True]


def test_the_alarm_is_set_read_and_removed(storage: Storage) -> None:
    async def use() -> list[int | None]:
        seen = [await storage.alarm_at()]
        await storage.set_alarm(1_800_000_000_000)
        seen.append(await storage.alarm_at())
        await storage.set_alarm(None)
        return [*seen, await storage.alarm_at()]

    assert asyncio.run(use()) == [None, 1_800_000_000_000, None]
