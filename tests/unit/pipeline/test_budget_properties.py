"""Budgets hold and no money is forgotten, however requests end and whenever isolates are killed."""

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.app import run_cron
from gateway.ledger.reservations import MAX_AGE_S
from gateway.ledger.settle import BACK_OFF_S
from gateway.settings.settings import Settings
from tests.support.bank import KINDS, Bank, Isolates
from tests.support.world import ENV, run

LIMIT_MICROS = 12_000
PRICE_MICROS = 2  # of a token of the answer
MOST_TOKENS = 3_000

ASK = st.tuples(
    st.just("ask"),
    st.integers(0, 2),
    st.sampled_from(KINDS),
    st.integers(0, 100),
    st.integers(100, MOST_TOKENS),
)
OTHER = st.tuples(
    st.sampled_from(["wait", "wait long", "cron", "kill"]),
    st.integers(0, 2),
    st.just(""),
    st.just(0),
    st.just(0),
)
STEPS = st.lists(st.one_of(ASK, ASK, ASK, OTHER), min_size=8, max_size=40)
Step = tuple[str, int, str, int, int]


async def walk(steps: Sequence[Step], *, isolates: int, hold: str) -> tuple[Isolates, Bank]:
    """Take the steps; after each the ledger must count at least what was billed, or will once it is lost."""
    bank = Bank()
    made = Isolates(isolates, limit_micros=LIMIT_MICROS, bank=bank, hold=hold)
    for name, which, kind, percent, max_tokens in steps:
        index = which % isolates
        if name == "ask":
            made.ask(index, kind, PRICE_MICROS * max_tokens * percent // 100, max_tokens)
            await asyncio.sleep(0.1)
        elif name == "kill":
            await made.kill(index)
        elif name == "cron":
            await cron(made)
        else:
            await asyncio.sleep(0.7 if name == "wait" else 30.0)
        assert made.counted(at_worst=hold == "estimate") >= bank.total
    await made.end()
    return made, bank


async def cron(made: Isolates) -> None:
    world = made.worlds[0]
    await run_cron(Settings.from_env({**ENV, **world.env}.get), world.ports, world.memory)


@settings(max_examples=60)
@given(steps=STEPS)
def test_one_isolate_after_the_other_never_spends_more_than_the_budget(steps: list[Step]) -> None:
    async def check() -> None:
        made, bank = await walk(steps, isolates=1, hold="worst")
        assert made.holds.overshoot_micros == 0
        assert bank.total <= LIMIT_MICROS
        await settle(made, bank)

    run(check())


@settings(max_examples=60)
@given(steps=STEPS)
def test_with_estimates_the_excess_is_at_most_requests_in_flight_times_answers_beyond(
    steps: list[Step],
) -> None:
    async def check() -> None:
        made, bank = await walk(steps, isolates=1, hold="estimate")
        assert bank.total <= LIMIT_MICROS + made.holds.overshoot_micros
        await settle(made, bank)

    run(check())


@settings(max_examples=60)
@given(steps=STEPS, hold=st.sampled_from(["estimate", "worst"]))
def test_of_several_isolates_nothing_that_was_billed_is_forgotten(steps: list[Step], hold: str) -> None:
    async def check() -> None:
        made, bank = await walk(steps, isolates=3, hold=hold)
        await settle(made, bank)

    run(check())


async def settle(made: Isolates, bank: Bank) -> None:
    """When all is settled the ledger has what was billed, and what killed isolates had reserved."""
    assert made.counted(at_worst=True) >= bank.total
    for wait_s in BACK_OFF_S[:2]:
        await asyncio.sleep(wait_s + 1)
        await cron(made)
    assert made.database.rows("SELECT * FROM unsettled") == []
    await asyncio.sleep(MAX_AGE_S)
    await cron(made)
    assert made.database.rows("SELECT * FROM reservations") == []
    lost = made.database.rows(
        "SELECT coalesce(sum(cost_micros), 0) AS micros FROM requests WHERE outcome = 'lost'"
    )
    rows = made.database.rows("SELECT coalesce(sum(cost_micros), 0) AS micros FROM requests")
    assert made.counted() == int(str(rows[0]["micros"]))
    assert made.counted() >= bank.total
    if not int(str(lost[0]["micros"])):
        assert made.counted() == bank.total
