"""A watched plain answer has the row of a plain answer; what a cut-off part of it cost is settled."""

from typing import Any

import pytest

from tests.support.chunks import COST_USD, DONE, STOP, text
from tests.support.chunks import USAGE as USAGE_CHUNK
from tests.support.ledger_world import ledger_world
from tests.support.upstream import RESET, Act, after, answer, stream
from tests.support.world import World

pytestmark = pytest.mark.anyio


async def row_after(act: Act, *, watch: bool) -> tuple[dict[str, Any], World]:
    made = ledger_world().script("a/one", act)
    await made.ask("a/one", "b/two", max_tokens=100, gateway={"watch": watch, "retries": 0})
    await made.let_run()
    (row,) = made.database.rows("SELECT * FROM requests")
    del row["ticket"], row["at_ms"]
    return row, made


async def test_the_row_is_that_of_a_plain_answer() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "cost": COST_USD}
    streamed = stream(text("Hel"), 1.0, text("lo."), 1.0, STOP, USAGE_CHUNK, DONE)

    watched, _ = await row_after(streamed, watch=True)
    plain, _ = await row_after(after(2.0, answer(usage=usage)), watch=False)

    assert watched == plain


async def test_the_cost_of_a_cut_off_part_is_settled_later() -> None:
    row, made = await row_after(stream(text("Hel"), RESET), watch=True)

    assert [each["generation_id"] for each in made.database.rows("SELECT * FROM unsettled")] == ["gen-1"]
    assert row["served"] == "b/two"
