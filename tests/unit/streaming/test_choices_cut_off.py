"""A stream of several choices is complete when each of them has finished, and not with the first."""

import pytest

from tests.support.chunks import event
from tests.support.fidelity import read_stream
from tests.support.upstream import RESET, Step, stream
from tests.support.world import World

pytestmark = pytest.mark.anyio


def piece(index: int, content: str, finish: str | None = None) -> bytes:
    """Return an event with a piece of one choice."""
    choice = {"index": index, "delta": {"content": content}, "finish_reason": finish}
    base = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1_795_338_000, "model": "served/one"}
    return event({**base, "choices": [choice]})


BOTH = (piece(0, "Half "), piece(1, "Half "), piece(0, "", "stop"))
CUTS: dict[str, tuple[tuple[Step, ...], str]] = {
    "reset": ((RESET,), "connection_lost"),
    "closed": ((), "no_finish_reason"),
    "malformed": ((b'data: {"cut\n\n',), "malformed_event"),
}


@pytest.mark.parametrize("cut", CUTS)
async def test_a_stream_that_is_cut_before_every_choice_has_finished_is_cut_off(cut: str) -> None:
    steps, code = CUTS[cut]
    world = World().script("a/one", stream(*BOTH, *steps))

    found = read_stream((await world.ask("a/one", stream=True, n=2)).body)

    assert found.error is not None
    assert found.error["code"] == code


async def test_a_stream_whose_choices_have_all_finished_is_complete_without_done() -> None:
    world = World().script("a/one", stream(*BOTH, piece(1, "", "length")))

    found = read_stream((await world.ask("a/one", stream=True, n=2)).body)

    assert found.finishes == {"0": "stop", "1": "length"}
    assert found.done
