"""An answer that was refused before it said anything: the next model is asked, and its cost counts once."""

import json

import pytest

from tests.support.ledger_world import ledger_world
from tests.support.speech import MESSAGES, named_event
from tests.support.upstream import Act, reply, stream
from tests.support.world import Answer, World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("how", ["plain", "stream", "watched"]),
]
COST_USD = 0.02
USAGE = {"input_tokens": 3, "output_tokens": 1, "cost": COST_USD}


def refuses(how: str) -> Act:
    """Return an act: an answer that says nothing but that it was refused."""
    if how == "plain":
        message = {**MESSAGES.plain(""), "content": [], "stop_reason": "refusal", "usage": USAGE}
        return reply(200, json.dumps(message).encode())
    delta = {"stop_reason": "refusal", "stop_sequence": None}
    return stream(
        MESSAGES.opening[0],
        named_event({"type": "message_delta", "delta": delta, "usage": USAGE}),
        named_event({"type": "message_stop"}),
    )


async def ask(world: World, how: str) -> Answer:
    options = {"watch": True} if how == "watched" else {}
    return await MESSAGES.ask(world, "a/one", "b/two", stream=how == "stream", gateway=options)


async def micros(world: World) -> object:
    await world.let_run()
    return world.database.rows("SELECT cost_micros FROM requests")[0]["cost_micros"]


async def test_the_next_model_is_asked_and_both_costs_count(how: str) -> None:
    then = MESSAGES.answers() if how == "plain" else MESSAGES.streams("Hello.")
    world = ledger_world().script("a/one", refuses(how)).script("b/two", then)

    answer = await ask(world, how)

    assert answer.codes == ["filtered_answer", None]
    assert [each["cost_usd"] for each in answer.receipt["attempts"]] == [COST_USD, 0.000021]
    assert await micros(world) == 20_021


async def test_the_last_one_is_handed_over_and_its_cost_counts_once(how: str) -> None:
    world = ledger_world().script("a/one", MESSAGES.fails(500)).script("b/two", refuses(how))

    answer = await ask(world, how)

    reasons = (
        [answer.json["stop_reason"]]
        if how != "stream"
        else [each["delta"]["stop_reason"] for each in answer.events if each["type"] == "message_delta"]
    )
    assert reasons == ["refusal"]
    assert answer.receipt["served"] == "b/two"
    assert answer.receipt["cost_usd"] == COST_USD
    assert await micros(world) == 20_000
