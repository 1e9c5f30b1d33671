"""A repeat over HTTP: it attaches to the first request, or gets its answer, and reaches no upstream."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk

from tests.support.chat import CHAT, OK_TEXT, QUESTION, SLACK_S, openai, post, question, said_in
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.leaver import Leaver
from tests.support.runtimes import Gateway

JOIN = {"join": True}
LINGER_S = 4.0  # the time after the last reader has left, and one tick of the watch


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def texts(answer: httpx.Response) -> str:
    return said_in(payloads_in(answer.content))


def test_openais_client_whose_tries_time_out_costs_one_call(gateway: Gateway, journal: Journal) -> None:
    with openai(gateway, max_retries=5) as client:
        answer = client.with_options(timeout=1.2).chat.completions.create(
            model="sim/slow-2500ms",
            messages=QUESTION,  # type: ignore[arg-type]  # a plain dict is allowed
            user=journal.user,
            extra_headers=new_key(),
        )

    assert answer.choices[0].message.content == OK_TEXT
    assert journal.models() == ["sim/slow-2500ms"]


def test_a_stream_whose_connection_broke_is_given_again_from_its_beginning(
    gateway: Gateway, journal: Journal
) -> None:
    body = question(journal, "sim/drip-150ms", stream=True, gateway=JOIN)
    with Leaver(gateway, body) as client:
        client.read_until(b"every ")
        client.leave()
    with gateway.client() as http:
        again, later = (http.post(CHAT, content=json.dumps(body)) for _ in range(2))

    assert (again.headers["x-gateway-cache"], later.headers["x-gateway-cache"]) == ("joined", "hit")
    assert texts(again) == texts(later)
    assert payloads_in(again.content)[-1] == "[DONE]"
    [entry] = journal.entries()
    assert entry["outcome"] == "answered"


def test_a_repeat_gets_the_stream_while_it_is_in_flight(gateway: Gateway, journal: Journal) -> None:
    body, key = question(journal, "sim/drip-150ms", stream=True), new_key()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(post, gateway, body, **key)
        time.sleep(0.7)
        second = pool.submit(post, gateway, body, **key)
        other = post(gateway, body | {"temperature": 0}, **key)

    assert texts(first.result()) == texts(second.result())
    assert second.result().headers["x-gateway-cache"] == "joined"
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_already_used")
    assert journal.models() == ["sim/drip-150ms"]


def test_a_call_ends_when_all_have_left(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/drip-1000ms", stream=True, gateway=JOIN)
    for _ in range(2):
        with Leaver(gateway, body) as client:
            client.read_until(b"data: ")
            client.leave()

    [entry] = journal.wait_until(
        lambda entries: all(each["outcome"] != "open" for each in entries), LINGER_S + 2 * SLACK_S
    )
    assert entry["outcome"] == "cancelled"


def test_openais_client_whose_stream_broke_sends_it_again(gateway: Gateway, journal: Journal) -> None:
    key = new_key()

    def ask(client: OpenAI) -> Stream[ChatCompletionChunk]:
        return client.chat.completions.create(
            model="sim/drip-150ms",
            messages=[{"role": "user", "content": "What is the capital of Australia?"}],
            user=journal.user,
            stream=True,
            extra_headers=key,
        )

    with openai(gateway) as client, ask(client) as broken:
        next(iter(broken))
    with openai(gateway) as client:
        said = "".join(chunk.choices[0].delta.content or "" for chunk in ask(client) if chunk.choices)

    assert len(said.split()) >= 20
    [entry] = journal.entries()
    assert entry["outcome"] == "answered"
