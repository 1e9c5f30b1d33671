"""Random orders of requests, repeats and clients that leave: nothing is paid twice, lost, or left behind."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.live_world import LiveWorld
from tests.support.speech import CHAT
from tests.support.upstream import Act, fail, reply, stream
from tests.support.world import TOKEN, Answer, chat, finish, now_s, run

TEXT = "Hello."


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: when it is sent, with which key, and after how many seconds its client leaves."""

    at_s: float
    key: str
    stream: bool
    leaves_after_s: float | None


TIMES = st.integers(0, 40).map(lambda tenths: tenths / 10)
VISITS = st.lists(
    st.builds(
        Visit,
        at_s=TIMES,
        key=st.sampled_from(["a", "b"]),
        stream=st.booleans(),
        leaves_after_s=st.none() | TIMES,
    ),
    min_size=1,
    max_size=8,
)


async def visit(world: LiveWorld, each: Visit) -> Answer | None:
    """Return the answer; None if the client left before its end."""
    await asyncio.sleep(each.at_s)
    # A stream and a plain answer are other bodies, so they have other keys.
    headers = {"authorization": f"Bearer {TOKEN}", "idempotency-key": f"{each.key}{each.stream}"}
    body = chat(f"{each.key}/{'stream' if each.stream else 'plain'}", stream=each.stream)
    try:
        async with asyncio.timeout(each.leaves_after_s):
            return await finish(await world.begin(body, headers=headers))
    except TimeoutError:
        return None


def check_answer(each: Visit, got: Answer, *, fails: bool) -> None:
    """Fail unless the answer is complete, or is the upstream's error."""
    if got.status != 200:
        assert fails
        assert got.error["code"] == "rejected_by_provider"
    elif each.stream:
        assert CHAT.texts_in(got.events) == TEXT
        assert CHAT.is_complete(got.events)
    else:
        assert CHAT.text_in(got.json) == TEXT


def check_bill(world: LiveWorld) -> None:
    """Fail if an answer was paid twice, or a repeat at all."""
    answered = [each for each in world.events("request_done") if each["outcome"] == "answered"]
    free = [each for each in answered if "cache" in each]
    paid = Counter(str(each["served"]) for each in answered if "cache" not in each)
    assert all(count == 1 for count in paid.values())
    assert all(each["cost_usd"] == 0 for each in free)


def slow_stream(pieces: list[float]) -> Act:
    texts = [step for pause_s, text in zip(pieces, TEXT, strict=False) for step in (CHAT.text(text), pause_s)]
    return stream(*CHAT.opening, *texts, CHAT.text(TEXT[len(pieces) :]), *CHAT.closing)


@settings(max_examples=80, deadline=None)
@given(visits=VISITS, pieces=st.lists(TIMES, max_size=4), pause_s=TIMES, fails=st.booleans())
def test_whatever_the_order_nothing_is_paid_twice_and_nothing_is_left(
    visits: list[Visit], pieces: list[float], pause_s: float, fails: bool
) -> None:
    async def check() -> None:
        world = LiveWorld({"RETRIES": "0"})
        plain = reply(200, pause_s, json.dumps(CHAT.plain(TEXT)).encode())
        for key in ("a", "b"):
            first = (fail(400),) if fails else ()
            world.script(f"{key}/plain", *first, plain)
            world.script(f"{key}/stream", *first, slow_stream(pieces))

        answers = await asyncio.gather(*(visit(world, each) for each in visits))
        await world.settle()

        for each, got in zip(visits, answers, strict=True):
            if got is not None:
                check_answer(each, got, fails=fails)
        check_bill(world)
        assert len(world.events("request_done")) == len(visits)
        kept = world.memory.shared_answers._answers.values()  # nothing may be left
        assert all(each.has_ended and not each.has_readers for each in kept)
        assert world.memory.shared_answers._bytes == sum(each.kept_bytes for each in kept)
        assert now_s() < 60

    run(check())
