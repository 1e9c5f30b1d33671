"""No input costs more than a constant number of looks at each of its bytes.

Each test reads an input of one size and one of four times that size. CPU time in proportion to the bytes is
four times as much. Work that is quadratic is sixteen times as much. A plain text of the same size is the
control: below it a difference is noise.
"""

import json
import time
from collections.abc import Awaitable, Callable

import pytest

from gateway.dialects.chat.request import ChatRequest
from gateway.http.json_members import Buffer
from gateway.upstream import body_forms
from gateway.upstream.direct import direct_members
from tests.support import nasty
from tests.support.catalog_world import world_of
from tests.support.models import listing, model
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import DIRECT_BASE_URL, answer, fail, reply, stream
from tests.support.world import World, finish, run

SMALL_BYTES, LARGE_BYTES = 100_000, 400_000
# Four times the bytes may cost this many times as much. It is far from both 4 and 16.
MOST_GROWTH = 10
# No input may cost more than this many times the control of its size.
MOST_TIMES_CONTROL = 60
READINGS = 4
Work = Callable[[bytes], Awaitable[int]]


def cpu_s(work: Work, raw: bytes) -> float:
    """Return the CPU time of one reading, in seconds: the least of several."""

    async def timed() -> float:
        before_s = time.process_time()
        status = await work(raw)
        after_s = time.process_time()
        assert status != 500
        return after_s - before_s

    return min(run(timed()) for _ in range(READINGS))


def assert_linear(work: Work, make: nasty.Make, control: nasty.Make) -> None:
    small_s = max(cpu_s(work, make(SMALL_BYTES)), cpu_s(work, control(SMALL_BYTES)))
    large_s = cpu_s(work, make(LARGE_BYTES))
    assert large_s < MOST_GROWTH * small_s
    assert large_s < MOST_TIMES_CONTROL * cpu_s(work, control(LARGE_BYTES))


async def chat(raw: bytes) -> int:
    world = World().script("a/one", answer())
    status = (await finish(await world.begin(raw))).status
    await world.let_run()
    return status


async def plan(raw: bytes) -> int:
    return (await finish(await World().begin(raw, path="/v1/plan"))).status


async def cached_chat(raw: bytes) -> int:
    world = World().script("a/one", answer())
    body = raw.removesuffix(b"}") + b',"gateway":{"cache_ttl_s":60}}'
    status = (await finish(await world.begin(body))).status
    await world.let_run()
    return status


@pytest.mark.parametrize("work", [chat, plan, cached_chat])
@pytest.mark.parametrize("name", nasty.BODIES)
def test_a_body_costs_cpu_in_proportion_to_its_bytes(name: str, work: Work) -> None:
    assert_linear(work, nasty.BODIES[name], nasty.text_body)


async def json_answer(raw: bytes) -> int:
    world = World().script("a/one", reply(200, raw))
    options = {"check_json": True, "retries": 0}
    return (await world.ask("a/one", response_format={"type": "json_object"}, gateway=options)).status


@pytest.mark.parametrize("name", nasty.ANSWERS)
def test_an_answer_costs_cpu_in_proportion_to_its_bytes(name: str) -> None:
    assert_linear(json_answer, nasty.ANSWERS[name], nasty.text_answer)


def streamed(piece_bytes: int) -> Work:
    async def work(raw: bytes) -> int:
        pieces = (raw[start : start + piece_bytes] for start in range(0, len(raw), piece_bytes))
        world = World().script("a/one", stream(*pieces))
        return (await world.ask("a/one", stream=True, gateway={"retries": 0})).status

    return work


@pytest.mark.parametrize("piece_bytes", [50, 65_536])
@pytest.mark.parametrize("name", nasty.STREAMS)
def test_a_stream_costs_cpu_in_proportion_to_its_bytes(name: str, piece_bytes: int) -> None:
    assert_linear(streamed(piece_bytes), nasty.STREAMS[name], nasty.text_stream)


async def get(raw: bytes) -> int:
    world = World(database=SqliteDatabase())
    return (await world.get(raw.decode())).status


@pytest.mark.parametrize("name", nasty.PATHS)
def test_a_path_and_its_query_cost_cpu_in_proportion_to_their_bytes(name: str) -> None:
    assert_linear(get, nasty.PATHS[name], nasty.text_path)


def test_a_search_for_many_words_costs_little_more_than_a_search_for_one() -> None:
    async def spent_s(words: str) -> float:
        world = world_of(listing(*(model(f"a/m{number}") for number in range(650))))
        await world.get("/v1/models")
        before_s = time.process_time()
        assert (await world.get(f"/v1/models?q={words}")).status == 200
        return time.process_time() - before_s

    one_s = min(run(spent_s("zz")) for _ in range(READINGS))
    many_s = min(run(spent_s("a+m+" * 40)) for _ in range(READINGS))
    assert many_s < 5 * one_s


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
def test_a_chain_of_direct_models_prepares_the_body_once(
    is_stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"direct:near/m{number}" for number in range(40)]
    declared = {"near": {"base_url": DIRECT_BASE_URL, "usd_per_million_tokens": {}}}
    prepared: list[ChatRequest] = []

    def count(chat: ChatRequest) -> dict[str, Buffer]:
        prepared.append(chat)
        return direct_members(chat)

    async def ask() -> int:
        world = World({"UPSTREAMS": json.dumps(declared)})
        for name in names:
            world.script(name.removeprefix("direct:near/"), fail(404))
        return len((await world.ask(*names, stream=is_stream, transforms=[])).receipt["attempts"])

    monkeypatch.setattr(body_forms, "direct_members", count)
    assert run(ask()) == len(names)
    assert len(prepared) == 1
