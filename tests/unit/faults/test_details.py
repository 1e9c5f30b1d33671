"""What of an upstream's words is stored or shown: one short line, never the key that it was called with."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.faults.details import MAX_CHARACTERS, safe_details, short_line
from gateway.http.destination import repeats_key
from gateway.http.json_values import Json
from gateway.http.message import Upstream
from tests.support.chunks import DONE, STOP, chunk, event, text
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import DIRECT_BASE_URL, Act, answer, reply, stream
from tests.support.world import TOKEN, Answer, World

pytestmark = pytest.mark.anyio
# The forms of real keys: of 32 hexadecimal digits, of 32 letters and digits, longer ones, and short ones.
KEYS = [
    "deadbeef0123456789abcdef01234567",
    "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY",
    "sk-or-v1-" + "0123456789abcdef" * 4,
    "gsk_" + "Zz9" * 16,
    "short",
    "a_word_of_letters",
]
UPSTREAM = Upstream(base_url=DIRECT_BASE_URL, api_key=KEYS[1])


@given(st.text())
def test_a_stored_text_is_one_short_line_that_any_database_takes(value: str) -> None:
    line = short_line(value, UPSTREAM)

    assert line is None or (0 < len(line) <= MAX_CHARACTERS and line.isprintable() and line.encode())
    assert line is None or line == line.strip()


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("Anthropic", "Anthropic"),
        ("Google AI Studio", "Google AI Studio"),
        ("x" * 3_000_000, "x" * MAX_CHARACTERS),
        ("one\ntwo\r\n\tthree\u2028four\0", "one two three four"),
        ("\ud800\u202e\x7f", None),
        ("\n" * 100 + "late", None),
        ("", None),
        (None, None),
        (7, None),
        (["Anthropic"], None),
        (KEYS[1], None),
        (f"Bearer {KEYS[1]}", None),
        ("x" * 50 + KEYS[1], None),
        (f"the key {KEYS[1][:20]}… is wrong", None),
        (KEYS[1][:11], KEYS[1][:11]),
    ],
)
def test_what_becomes_of_a_text(value: Json, line: str | None) -> None:
    assert short_line(value, UPSTREAM) == line


def test_without_a_key_there_is_nothing_to_repeat() -> None:
    assert not repeats_key("anything at all, and long", Upstream(base_url="", api_key=""))


def test_a_name_of_more_characters_is_not_shown() -> None:
    name = "A" * 32 + (" " + "b" * 16) * 3
    metadata: dict[str, Json] = {"provider_name": name, "previous_errors": [{"provider": name}]}

    assert len(name) > MAX_CHARACTERS
    assert safe_details(metadata) == {}


def world(key: str) -> World:
    env = {
        "UPSTREAMS": json.dumps({"near": {"base_url": DIRECT_BASE_URL, "secret": "NEAR_KEY"}}),
        "NEAR_KEY": key,
        "OPENROUTER_API_KEY": key,
    }
    return World(env, database=SqliteDatabase())


def metadata_with(key: str) -> dict[str, Any]:
    places = ("provider_name", "limit_source", "error_type", "scope", "resets_at", "raw", "reason", "headers")
    return {
        **dict.fromkeys(places, key),
        "limit_usd": key,
        "reasons": [key, f"a/{key}"],
        "previous_errors": [{"provider_name": key}, {"provider": key}, {"provider": f"Near {key}"}],
    }


def failures(key: str) -> dict[str, Act]:
    error = {"code": 503, "message": key, "type": key, "param": key, "metadata": metadata_with(key)}
    whole = {"error": error, "provider": key, "user_id": key}
    named = {"x_request_id": key, "www_authenticate": key, "x_generation_id": key}
    return {
        "an error": reply(503, json.dumps(whole).encode(), **named),
        "an error of the key": reply(401, json.dumps(whole).encode(), **named),
        "a 200 with an error": reply(200, json.dumps(whole).encode(), **named),
        "an error in a choice": answer(choices=[{"error": error, "finish_reason": "error"}]),
        "a first event": stream(event(whole)),
    }


@pytest.mark.parametrize("model", ["direct:near/fast", "a/one"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", [*failures("")])
async def test_no_error_repeats_the_key_that_the_upstream_was_called_with(
    name: str, key: str, model: str
) -> None:
    made = world(key).script(model.removeprefix("direct:near/"), failures(key)[name])

    got = await made.ask(model, stream="event" in name, gateway={"errors": "all", "retries": 0})
    await made.let_run()

    assert got.status >= 400
    assert key not in everywhere(made, got)


@pytest.mark.parametrize("model", ["direct:near/fast", "a/one"])
@pytest.mark.parametrize("key", KEYS)
async def test_no_stream_that_is_cut_off_repeats_the_key(key: str, model: str) -> None:
    error = {"code": 503, "message": key, "metadata": metadata_with(key)}
    act = stream(text("Half "), event({"error": error, "provider": key}))
    made = world(key).script(model.removeprefix("direct:near/"), act)

    got = await made.ask(model, stream=True, gateway={"errors": "all"})
    await made.let_run()

    assert '"partial":true' in got.body.decode()
    assert key not in everywhere(made, got)


async def test_openrouters_own_names_are_still_shown() -> None:
    error = {"code": 503, "message": "x", "metadata": {"provider_name": "Venice", "reasons": ["a/b"]}}
    made = world(KEYS[2]).script("a/one", reply(503, json.dumps({"error": error}).encode()))

    got = await made.ask("a/one", gateway={"retries": 0})

    assert got.error["metadata"]["provider_name"] == "Venice"
    assert got.error["metadata"]["reasons"] == ["a/b"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("provider", "stored"),
    [
        ("x" * 3_000_000, "x" * MAX_CHARACTERS),
        ("\t=1+1\r\nnext", "=1+1 next"),
        ("\ud800", None),
        (KEYS[2], None),
        ("Anthropic", "Anthropic"),
    ],
    ids=["long", "lines", "surrogate", "key", "name"],
)
async def test_the_provider_is_stored_as_one_short_line(
    provider: str, stored: str | None, streamed: bool
) -> None:
    made = world(KEYS[2])
    first = chunk({"role": "assistant", "content": "Hi"}, provider=provider)
    made.script("a/one", stream(first, STOP, DONE) if streamed else answer(provider=provider))

    await made.ask("a/one", stream=streamed)
    await made.let_run()

    (row,) = made.database.rows("SELECT provider, outcome FROM requests")
    assert (row["provider"], row["outcome"]) == (stored, "answered")
    usage = await made.get("/v1/usage?by=provider&format=csv", headers={"authorization": f"Bearer {TOKEN}"})
    (shown,) = csv.DictReader(io.StringIO(usage.body.decode()))
    assert shown["provider"] == ("'" if (stored or "").startswith("=") else "") + (stored or "")


def everywhere(made: World, got: Answer) -> str:
    """Return all that a request leaves behind: the answer, the log, the ledger."""
    rows = [made.database.rows(f"SELECT * FROM {table}") for table in ("requests", "unsettled", "spend")]  # noqa: S608  # a test's own names
    return got.body.decode() + str(got.headers) + made.log_text + json.dumps(rows)
