"""Property tests of complete requests: random chains of faults, at random times, plain and streamed."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.faults.policy import RULES, Verdict
from tests.support.chunks import COMMENT, DONE, ROLE, STOP, USAGE, text, text_in
from tests.support.samples import samples_named
from tests.support.upstream import (
    HANG,
    RESET,
    Act,
    Step,
    after,
    answer,
    breaks,
    fail,
    hang,
    recorded,
    refuse,
    reply,
    stream,
)
from tests.support.world import Answer, World, now_s, run

# The tolerance: every attempt gets at least ``MIN_ATTEMPT_S``, and a clock may be this coarse.
EPSILON_S = 0.05
STOPPING = {code for code, rule in RULES.items() if rule.verdict is Verdict.STOP}

STEPS: list[Step] = [COMMENT, ROLE, 1.0, 20.0, HANG, RESET, b"data: x\n\n", DONE]
ACTS: st.SearchStrategy[Act] = st.one_of(
    st.sampled_from([refuse, hang, breaks(RuntimeError("a bug")), breaks(RESET)]),
    st.sampled_from(samples_named("err-") + samples_named("soft-")).map(recorded),
    st.sampled_from([400, 401, 402, 403, 404, 408, 413, 418, 429, 500, 502, 503, 529, 302]).map(fail),
    st.sampled_from(["0", "1", "3", "60"]).map(lambda wait: fail(429, retry_after=wait)),
    st.sampled_from([b"", b"<html>", b"{}", b"[", b"null"]).map(lambda body: reply(200, body)),
    st.lists(st.sampled_from(STEPS), max_size=6).map(lambda steps: stream(*steps)),
)
SLOW_ACTS = st.builds(after, st.sampled_from([0.0, 0.0, 0.5, 7.0]), ACTS)
GOOD, HALF = "good", "half"


def act_of(act: Act | str, model: str, *, streamed: bool) -> Act:
    """Return an act. A good one says its model's name twice; half of one is cut off between the two."""
    if not isinstance(act, str):
        return act
    if not streamed:
        return answer(words_of(model))
    half, other_half = (text(f"<{model}"), 1.0), (text(f"{model}>"), STOP, USAGE, DONE)
    return stream(*half, *other_half) if act == GOOD else stream(*half, RESET)


def words_of(model: str) -> str:
    return f"<{model}{model}>"


def words_in(got: Answer, *, streamed: bool) -> str:
    if got.status != 200:
        return ""
    return text_in(got.events) if streamed else str(got.json["choices"][0]["message"]["content"])


@settings(max_examples=150)
@given(
    st.lists(st.one_of(SLOW_ACTS, SLOW_ACTS, st.sampled_from([GOOD, HALF])), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from([100, 1_000, 10_000, 90_000]),
    st.integers(0, 3),
)
def test_a_request_ends_in_time_with_a_correct_receipt_and_the_text_of_one_model(
    acts: list[Act | str], streamed: bool, deadline_ms: int, retries: int
) -> None:
    run(check(acts, streamed=streamed, deadline_ms=deadline_ms, retries=retries))


async def check(acts: list[Act | str], *, streamed: bool, deadline_ms: int, retries: int) -> None:
    world = World()
    models = [f"m{number}/x" for number in range(len(acts))]
    for model, act in zip(models, acts, strict=True):
        world.script(model, act_of(act, model, streamed=streamed))

    response = await world.ask(
        *models, stream=streamed, gateway={"deadline_ms": deadline_ms, "retries": retries}
    )

    served = response.receipt["served"]
    attempts = response.receipt["attempts"]
    begun = now_s() if response.status != 200 or not streamed else response.pieces[0][0]
    assert begun <= deadline_ms / 1000 + EPSILON_S
    assert [attempt["model"] for attempt in attempts] == world.upstream.models
    assert (served is not None) == (response.status == 200)
    assert all(attempt["outcome"] == "failed" for attempt in attempts if attempt["model"] != served)
    stops = [attempt["code"] in STOPPING for attempt in attempts]
    assert not any(stops[:-1]), "no attempt follows one that stops the chain"
    assert not served or words_of(served).startswith(words_in(response, streamed=streamed))
    assert all(each.aborted or each.ended for each in world.transport.replies)
    assert len(world.events("request_done")) == 1
    json.dumps(world.log, allow_nan=False)
