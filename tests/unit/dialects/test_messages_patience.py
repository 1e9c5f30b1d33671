"""How long a Messages stream may be silent: longer if its thinking is withheld."""

import pytest

from tests.support.speech import MESSAGES, named_event
from tests.support.upstream import HANG, Act, stream
from tests.support.world import Answer, World, finish

pytestmark = pytest.mark.anyio
WITHHELD = {"type": "enabled", "budget_tokens": 1_000, "display": "omitted"}
PING = named_event({"type": "ping"})


def thinks(seconds: float, *, from_s: float = 0.0) -> Act:
    """Return an act: a stream that thinks unseen before its text, and after its first text."""
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    signed = {"type": "signature_delta", "signature": "sig"}
    return stream(
        MESSAGES.opening[0],
        named_event({"type": "content_block_start", "index": 0, "content_block": thinking}),
        from_s,
        PING,
        named_event({"type": "content_block_delta", "index": 0, "delta": signed}),
        seconds,
        named_event({"type": "content_block_stop", "index": 0}),
        named_event(
            {
                "type": "content_block_start",
                "index": 1,
                "content_block": {"type": "text", "text": ""},
            }
        ),
        named_event(
            {
                "type": "content_block_delta",
                "index": 1,
                "delta": {"type": "text_delta", "text": "Hi"},
            }
        ),
        named_event({"type": "content_block_stop", "index": 1}),
        *MESSAGES.closing[1:],
        HANG,
    )


async def ask(act: Act, *models: str, **fields: object) -> Answer:
    world = World().script("a/one", act).script("b/two", MESSAGES.streams("Two."))
    body = MESSAGES.body(*models, stream=True, **fields)

    return await finish(await world.begin(body, path=MESSAGES.path))


async def test_thinking_that_is_withheld_is_waited_for_as_long_as_a_plain_answer() -> None:
    answer = await ask(thinks(0.0, from_s=80.0), "a/one", "b/two", thinking=WITHHELD)

    assert MESSAGES.texts_in(answer.events) == "Hi"


async def test_without_it_the_next_model_is_asked_earlier() -> None:
    answer = await ask(thinks(0.0, from_s=80.0), "a/one", "b/two")

    assert MESSAGES.texts_in(answer.events) == "Two."


async def test_a_stream_that_thinks_unseen_may_be_silent_longer_after_its_first_progress() -> None:
    answer = await ask(thinks(80.0), "a/one", thinking=WITHHELD)

    assert MESSAGES.is_complete(answer.events)


async def test_any_other_stream_that_is_as_silent_is_cut_off() -> None:
    answer = await ask(thinks(80.0), "a/one")

    assert not MESSAGES.is_complete(answer.events)
