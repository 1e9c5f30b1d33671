"""No body that is not JSON is an answer or a request: each test plays every file of JSONTestSuite."""

import json
import math

import pytest

from tests.support.fidelity import is_json, read_answer, rule, strict_json
from tests.support.json_suite import check_all, is_deep
from tests.support.upstream import reply
from tests.support.world import World, finish

pytestmark = pytest.mark.anyio
BOM = b"\xef\xbb\xbf"
REFUSED = {400, 415}  # 415: a body in another encoding than UTF-8
MARK = "canary of the answer"
ANSWER = (
    b'{"id":"gen-1","object":"chat.completion","created":1795338000,"model":"served/one","choices":'
    b'[{"index":0,"message":{"role":"assistant","content":"canary of the answer"},"finish_reason":"stop"}],'
    b'"extra":%b}'
)
REQUEST = b'{"model":"a/one","messages":[{"role":"user","content":"Hi"}],"extra":%b}'


async def test_a_body_without_an_answer_fails_and_nothing_of_it_is_shown() -> None:
    async def check(raw: bytes) -> None:
        world = World().script("a/one", reply(200, raw))
        got = await world.ask("a/one", gateway={"retries": 0})
        body = read_answer(got.body)
        is_object = is_json(raw.removeprefix(BOM)) and raw.strip().endswith(b"}")
        code = "no_choices" if is_object else "not_json"
        rule(got.status == 502, f"the status is {got.status}")
        rule(body["error"]["code"] == code, f"the error is {body['error']['code']}")

    await check_all(check)


async def test_an_answer_passes_exactly_if_it_is_json() -> None:
    async def check(raw: bytes) -> None:
        answer = ANSWER % raw
        world = World().script("a/one", reply(200, answer))
        got = await world.ask("a/one", gateway={"retries": 0})
        body = read_answer(got.body)
        if is_json(answer) and not (is_deep(raw) and got.status != 200):
            rule(got.status == 200, f"the status is {got.status}")
            rule(repr(body["extra"]) == repr(strict_json(raw)), f"the field is {body['extra']!r}")
        else:
            rule(got.status == 502, f"the status is {got.status}")
            rule(body["error"]["code"] == "not_json", f"the error is {body['error']['code']}")
            rule(MARK.encode() not in got.body, "a part of the answer is shown")

    await check_all(check)


async def test_a_body_that_is_not_json_is_refused_as_a_request() -> None:
    async def check(raw: bytes) -> None:
        world = World()
        got = await finish(await world.begin(raw))
        error = read_answer(got.body)["error"]
        rule(got.status in REFUSED, f"the status is {got.status}")
        is_text = not is_json(raw.removeprefix(BOM)) and got.status == 400
        rule(not is_text or error["code"] == "invalid_json", f"the error is {error['code']}")
        rule(world.upstream.received == [], "a model was asked")

    await check_all(check)


async def test_a_request_is_accepted_exactly_if_it_is_json_and_names_no_field_twice() -> None:
    async def check(raw: bytes) -> None:
        body = REQUEST % raw
        world = World()
        got = await finish(await world.begin(body))
        answer = read_answer(got.body)
        if got.status == 200:
            rule(is_json(body), "a request that is not JSON was accepted")
            [received] = world.upstream.received
            sent = received.body["extra"]
            rule(repr(sent) == repr(strict_json(raw)), f"the upstream got {sent!r}")
            return
        rule(got.status in REFUSED, f"the status is {got.status}")
        rule(
            got.status != 400 or answer["error"]["code"] == "invalid_json",
            f"the error is {answer['error']['code']}",
        )
        rule(world.upstream.received == [], "a model was asked")
        rule(not is_json(body) or may_be_refused(raw), "a request that is JSON was refused")

    await check_all(check)


def may_be_refused(raw: bytes) -> bool:
    """Return whether JSON breaks another rule for requests: a name twice, an infinite number, depth."""
    numbers: list[float] = []
    pairs: list[bool] = []
    json.loads(
        raw,
        parse_float=lambda text: numbers.append(float(text)),
        object_pairs_hook=lambda found: pairs.append(len(dict(found)) < len(found)),
    )
    return is_deep(raw) or any(pairs) or any(map(math.isinf, numbers))
