"""Runs the fault matrix against a gateway: sends each row's requests and checks the results."""

import asyncio
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI

from tests.support.fault_rows import CutOff, Expected, Ok, Rescued, Row, Stopped
from tests.support.runtimes import KEY, UPSTREAM_KEY, Gateway
from tests.support.said import Outcome, ask, openai_client

AT_ONCE = 8
RESCUER, JSON_RESCUER = "sim/ok", "sim/json"
OK_TEXT = "Canberra is the capital of Australia."
# Long enough for a healthy model on a busy machine, short enough for a hundred models that hang.
TIMES = {"deadline_ms": 10_000, "attempt_ms": 1_400, "first_token_ms": 1_200, "idle_ms": 600, "retries": 0}
MAX_SDK_WAIT_S = 60  # OpenAI's SDKs ignore a longer Retry-After and retry at once
LIMIT_MS = 1_400 + 1_500


@dataclass(frozen=True)
class Cell:
    """One request of the matrix; with ``alone`` its chain has no second model."""

    row: Row
    stream: bool
    alone: bool

    @property
    def expected(self) -> Expected:
        """The expected result."""
        return self.row.of(stream=self.stream)

    @property
    def model(self) -> str:
        """Its first model. A streamed request uses another name if the plain one causes a cooldown."""
        return f"sim/{self.row.name}" + ("-once" if self.row.starts_cooldown and self.stream else "")

    def __str__(self) -> str:
        return f"{self.row.name} {'stream' if self.stream else 'plain'}{' alone' if self.alone else ''}"


@dataclass
class Result:
    """The result of one request: its duration, and what is wrong with it."""

    cell: Cell
    ms: int
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.cell}: expected {self.cell.expected}, but {'; '.join(self.problems)}"


def cells_of(rows: Iterable[Row]) -> Iterator[Cell]:
    """Yield every cell; those with ``alone`` only if the second model hides the error in the chain."""
    for row in rows:
        for stream in (False, True):
            yield Cell(row, stream, alone=False)
            if isinstance(row.of(stream=stream), Rescued):
                yield Cell(row, stream, alone=True)


async def run_matrix(
    gateway: Gateway, gateway_for_alone: Gateway, simulator_url: str, rows: Iterable[Row]
) -> list[Result]:
    """Return a result for each cell.

    Args:
        gateway: gets the requests with a chain.
        gateway_for_alone: gets the requests with a single model. It is a separate gateway, because a cooldown
            from a chain would affect these requests too.
        simulator_url: the upstream's base URL; it gives a healthy model's answer to compare with.
        rows: the table.
    """
    clients = [openai_client(f"{each.base_url}/v1", KEY) for each in (gateway, gateway_for_alone)]
    direct = openai_client(simulator_url, UPSTREAM_KEY)
    limit = asyncio.Semaphore(AT_ONCE)

    async def measured(cell: Cell) -> Result:
        async with limit:
            return await _run(cell, clients[cell.alone], direct)

    cells = list(cells_of(rows))
    try:
        results = await asyncio.gather(*(measured(cell) for cell in cells if not cell.row.in_turn))
        return [*results, *[await measured(cell) for cell in cells if cell.row.in_turn]]
    finally:
        for client in (*clients, direct):
            await client.close()


async def _run(cell: Cell, client: AsyncOpenAI, direct: AsyncOpenAI) -> Result:
    rescuer = JSON_RESCUER if cell.row.wants_json else RESCUER
    body: dict[str, Any] = {
        "model": cell.model,
        "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
        "user": f"matrix-{uuid.uuid4().hex}",
    }
    if cell.stream:
        body["stream"] = True
    if cell.row.wants_json:
        body["response_format"] = {"type": "json_object"}
    healthy = isinstance(cell.expected, Ok)
    own_words = f"sim/{cell.row.said_by}" if cell.row.said_by else cell.model
    speaker = {**body, "model": own_words if healthy else rescuer}
    asked = body | {"models": [] if cell.alone else [rescuer], "gateway": TIMES}
    if cell.alone:
        del asked["models"]
    outcome = await ask(client, asked)
    said = (await ask(direct, speaker)).said if healthy or isinstance(cell.expected, Rescued) else {}
    problems = list(_problems(cell, outcome, said, rescuer))
    if outcome.ms > LIMIT_MS and not cell.row.in_turn:
        problems.append(f"it took {outcome.ms} ms")
    return Result(cell, outcome.ms, problems)


def _problems(cell: Cell, outcome: Outcome, said: dict[str, Any], rescuer: str) -> Iterator[str]:
    expected = cell.expected
    match expected:
        case Ok():
            yield from _wrong_answer(outcome, said, (cell.model, "answered", None))
        case Rescued() if not cell.alone:
            failed = (cell.model, "failed", expected.code)
            yield from _wrong_answer(outcome, said, failed, (rescuer, "answered", None))
        case Rescued() | Stopped():
            yield from _wrong_error(outcome, expected, cell)
        case CutOff():
            yield from _wrong_break(outcome, expected, cell)


def _wrong_answer(
    outcome: Outcome, said: dict[str, Any], *attempts: tuple[str, str, str | None]
) -> Iterator[str]:
    if outcome.error is not None:
        yield f"it ended in {outcome.status} {outcome.error}"
        return
    if _comparable(outcome.said) != _comparable(said):
        yield f"it said {str(outcome.said)[:300]} and not {str(said)[:300]}"
    if _attempts(outcome) != list(attempts):
        yield f"the receipt has {_attempts(outcome)}"
    elif outcome.receipt["served"] != attempts[-1][0]:
        yield f"the receipt says that {outcome.receipt['served']} served"


def _wrong_error(outcome: Outcome, expected: Rescued | Stopped, cell: Cell) -> Iterator[str]:
    if not isinstance(outcome.error, dict):
        yield f"it ended in {outcome.status} {outcome.error or outcome.said}"
        return
    metadata = outcome.error["metadata"]
    got = (outcome.status, outcome.error["code"], metadata["source"])
    if got != (expected.status, expected.code, expected.source):
        yield f"the error is {got}"
    if _attempts(outcome) != [(cell.model, "failed", expected.code)]:
        yield f"the receipt has {_attempts(outcome)}"
    wait_s = int(outcome.headers.get("retry-after", MAX_SDK_WAIT_S + 1))
    if (wait_s > MAX_SDK_WAIT_S) != (outcome.headers.get("x-should-retry") == "false"):
        yield "it does not tell SDKs, by headers that they obey, whether and when to retry"
    if ("retry-after" in outcome.headers) != (metadata["retry_after_s"] is not None):
        yield "Retry-After and the body's retry_after_s contradict each other"
    if cell.row.starts_cooldown and metadata["retry_after_s"] is None:
        yield "retry_after_s is missing"


def _wrong_break(outcome: Outcome, expected: CutOff, cell: Cell) -> Iterator[str]:
    if not isinstance(outcome.error, dict) or outcome.status != 200:
        yield f"it ended in {outcome.status} {outcome.error or outcome.said}"
        return
    metadata = outcome.error["metadata"]
    if (outcome.error["code"], metadata["source"]) != (expected.code, expected.source):
        yield f"the error is {outcome.error['code']}, {metadata['source']}"
    if metadata.get("partial") is not True or not outcome.said:
        yield "the error is not marked as partial, or nothing came before it"
    if outcome.said.get("finish_reason"):
        yield f"the partial answer has a finish reason, {outcome.said['finish_reason']}"
    if b"[DONE]" in outcome.raw or not outcome.raw.endswith(b"}\n\n"):
        yield f"the body does not end with the error event: {outcome.raw[-80:]!r}"
    if _attempts(outcome) != [(cell.model, "cut_off", expected.code)]:
        yield f"the receipt has {_attempts(outcome)}"


def _attempts(outcome: Outcome) -> list[tuple[str, str, str | None]]:
    attempts = (outcome.receipt or {}).get("attempts", [])
    return [(each["model"], each["outcome"], each["code"]) for each in attempts]


def _comparable(said: dict[str, Any]) -> dict[str, Any]:
    """Return an answer in a form to compare: an echo is parsed, since the order of its fields may differ."""
    content = said.get("content")
    if isinstance(content, str) and content.startswith('{"m'):
        return said | {"content": json.loads(content)}
    return said
