"""Whatever an upstream sends: a client gets valid JSON, no invented finish reason, and one honest end.

Each case takes a recorded reply, changes it by a few mutations, and sends it in pieces. A healthy model
follows in the chain. A failure prints the smallest case that fails. ``FUZZ_CASES`` sets how many cases are
tried, and ``FUZZ_SEED`` which ones.
"""

import os
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import httpx
from hypothesis import HealthCheck, currently_in_test_context, given, note, seed, settings
from hypothesis import strategies as st

from tests.support.fidelity import Reading, choices_in, read_answer, read_stream, rule
from tests.support.mutations import KINDS, STOP_WORDS, Mutation
from tests.support.reference import Said, plain_in, said_in
from tests.support.samples import all_samples, sample, samples_named
from tests.support.upstream import HANG, RESET, Step, Upstream, reply
from tests.support.work import calls_of
from tests.support.world import TOKEN, UPSTREAM_KEY, Answer, World, now_s, run

CASES = int(os.environ.get("FUZZ_CASES", "3000"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
STREAMS, BODIES = samples_named("sse-"), [*samples_named("ok-"), *samples_named("soft-")]
ERRORS = samples_named("err-")
RESCUE = "Hello."  # the second model's text
LONGEST_S = 1_000.0
USER_ID = b"user_2xEXAMPLE"  # in the recorded errors
ENDS: dict[str, tuple[Step, ...]] = {"closed": (), "reset": (RESET,), "silent": (HANG,)}
STATUSES = (200, 201, 204, 206, 299, 300, 304, 399, 400, 402, 404, 408, 413, 418, 429, 451, 499)
STATUSES_5XX = (500, 502, 503, 504, 520, 529, 599, 999)


@dataclass(frozen=True, slots=True)
class Case:
    """A reply: the sample that it is made of, what is changed, where it is cut, and how it ends."""

    sample: str
    mutations: tuple[Mutation, ...]
    cuts: tuple[int, ...] = ()
    end: str = "closed"
    status: int = 200
    content_type: str | None = None
    stream: bool = True

    @property
    def body(self) -> bytes:
        body = sample(self.sample).body
        for mutation in self.mutations:
            body = mutation.apply(body)
        return body

    @property
    def steps(self) -> tuple[Step, ...]:
        body = self.body
        places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in self.cuts)})
        pieces = [body[start:end] for start, end in pairwise(places)]
        return (*(piece for piece in pieces if piece), *ENDS[self.end])

    async def play(self) -> tuple[Answer, World]:
        """Return what the client gets, and the world in which it was asked for."""
        headers = dict(sample(self.sample).headers)
        content_type = headers.pop("content-type")
        act = reply(self.status, *self.steps, content_type=self.content_type or content_type, **headers)
        world = World(upstream=Direct()).script("a/one", act)
        got = await world.ask("a/one", "b/two", stream=self.stream, gateway={"retries": 0})
        rule(now_s() < LONGEST_S, f"it took {now_s()} s")
        return got, world


class Direct(Upstream):
    """An upstream without a router, which would take as long as the gateway."""

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._play)


PLACES = st.integers(0, 20_000)
MUTATIONS = st.builds(Mutation, st.sampled_from(sorted(KINDS)), PLACES, PLACES)
CUTS = st.one_of(
    *[st.lists(PLACES, max_size=4)] * 6,
    st.just(range(0, 20_000, 211)),
    PLACES.map(lambda place: range(place, place + 20)),
)
TYPES = st.sampled_from([None, None, None, None, "text/event-stream", "application/json", "text/html", ""])


def cases(names: list[str], **fields: Any) -> st.SearchStrategy[Case]:  # noqa: ANN401  # strategies
    return st.builds(
        Case,
        sample=st.sampled_from(names),
        mutations=st.lists(MUTATIONS, min_size=1, max_size=4).map(tuple),
        cuts=CUTS.map(tuple),
        end=st.sampled_from(["closed", "closed", "closed", "reset", "silent"]),
        **fields,
    )


def share(part: float) -> settings:
    """Return the settings of a test that tries this part of all cases."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=max(1, round(CASES * part)), suppress_health_check=slow, print_blob=True)


def check(case: Case) -> None:
    """Fail unless the client's reply keeps every rule."""
    got, world = run(case.play())
    if currently_in_test_context():  # printed for the smallest case that fails
        note(f"FUZZ_SEED={SEED} FUZZ_CASES={CASES}; again with check({case})")
        note(f"the upstream sent {case.body!r:.4000}")
        note(f"the client got {got.status} {got.body!r:.4000}")
    rule(not world.events("internal_error"), f"an exception: {world.events('internal_error')}")
    check_secrets(got, world, is_error=case.sample in ERRORS)
    if got.headers["content-type"].startswith("text/event-stream"):
        rule(case.stream, "a plain request got a stream")
        found = read_stream(got.body)
        check_receipt(world, answered=found.done, code=(found.error or {}).get("code"))
        check_stream(case, found, world)
    else:
        answer = read_answer(got.body)
        error = answer.get("error")
        rule((got.status == 200) == (error is None), f"the status is {got.status}")
        check_receipt(world, answered=error is None, code=(error or {}).get("code"))
        if error is None:
            check_answer(case, answer, world)


def check_secrets(got: Answer, world: World, *, is_error: bool) -> None:
    seen = got.body + repr(got.headers).encode() + world.log_text.encode()
    rule(UPSTREAM_KEY.encode() not in seen, "the gateway's key is shown")
    rule(TOKEN.encode() not in seen, "the caller's token is shown")
    rule(not is_error or USER_ID not in seen, "an account's id is shown")


def check_receipt(world: World, *, answered: bool, code: str | None) -> None:
    [line] = world.events("request_done")
    expected = "answered" if answered else code
    rule(line["outcome"] == expected, f"the outcome is {line['outcome']}, and the client got {expected}")
    outcomes = [attempt["outcome"] for attempt in line["attempts"]]  # type: ignore[union-attr, call-overload, index]  # JSON
    rule("under_way" not in outcomes, f"the attempts are {outcomes}")
    rule(("answered" in outcomes) == answered, f"the attempts are {outcomes}, and the client got {expected}")


def check_stream(case: Case, found: Reading, world: World) -> None:
    [line] = world.events("request_done")
    if line["served"] != "a/one":
        rule(found.text == RESCUE, f"the next model's text is {found.text!r}")
        return
    said = said_in(case.body)
    check_finishes(list(found.finishes.values()), said)
    if said.is_text:
        rule(said.text.startswith(found.text), f"the text is {found.text!r}, and the model's {said.text!r}")
        is_complete = not found.done or found.text.startswith(said.text_to_finish)
        rule(is_complete, f"the text is {found.text!r}, and lacks some of {said.text_to_finish!r}")


def check_answer(case: Case, answer: dict[str, Any], world: World) -> None:
    [line] = world.events("request_done")
    said = plain_in(case.body)
    messages = [choice.get("message") for choice in choices_in(answer)]
    contents = [message.get("content") for message in messages if isinstance(message, dict)]
    text = "".join(content for content in contents if isinstance(content, str))
    if line["served"] != "a/one":
        rule(text == RESCUE, f"the next model's text is {text!r}")
        return
    check_finishes([each["finish_reason"] for each in choices_in(answer) if each["finish_reason"]], said)
    rule(not said.is_text or text == said.text, f"the text is {text!r}, and the model's {said.text!r}")


def check_finishes(reasons: list[str], said: Said) -> None:
    means_stop = any(word.strip() in STOP_WORDS for word in said.words)
    for reason in reasons:
        rule(said.words, f"{reason!r} was invented")
        rule(reason != "stop" or means_stop, f"'stop' was made of {said.words}")


@seed(SEED)
@share(0.6)
@given(case=cases(STREAMS))
def test_a_mutated_stream_keeps_every_rule(case: Case) -> None:
    check(case)


@seed(SEED)
@share(0.2)
@given(case=cases(BODIES, stream=st.booleans(), content_type=TYPES))
def test_a_mutated_plain_answer_keeps_every_rule(case: Case) -> None:
    check(case)


@seed(SEED)
@share(0.2)
@given(
    case=cases(
        ERRORS,
        stream=st.booleans(),
        content_type=TYPES,
        status=st.sampled_from(STATUSES + STATUSES_5XX),
    )
)
def test_a_mutated_error_keeps_every_rule(case: Case) -> None:
    check(case)


@seed(SEED)
@share(0.02)
@given(case=cases(STREAMS))
def test_the_work_of_a_mutated_stream_is_in_proportion_to_its_size(case: Case) -> None:
    pieces, values = len(case.steps), sum(map(case.body.count, (b",", b"[", b"{", b"\n", b"\r")))

    calls = calls_of(lambda: run(case.play()))

    rule(calls < 20_000 + 150 * pieces + 60 * values, f"{calls} calls for {pieces} pieces, {values} values")


def test_every_recorded_reply_keeps_every_rule_as_it_is() -> None:
    for name in all_samples():
        for stream in (False, True):
            found = sample(name)
            check(Case(name, (), status=found.status, stream=stream))
