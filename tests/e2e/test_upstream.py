"""Upstream requests carry the caller's fields and the gateway's key; answers arrive byte for byte."""

import gzip
import json
import re
import time
import zlib

import httpx
import pytest

from gateway.http.sse import data_of, event_of
from tests.support.chat import CHAT, post, question, said_in
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import UPSTREAM_KEY, Gateway

OWN_SECRETS = {"authorization", "cookie", "x-api-key", "openai-organization", "x-forwarded-for"}
ODD_FIELDS = {
    "temperature": 0.7,
    "top_k": 5,
    "seed": 12_345_678_901_234_567,
    "logit_bias": {"50256": -100},
    "provider": {"order": ["One", "Two"], "allow_fallbacks": True},
    "plugins": [{"id": "web", "max_results": 3}],
    "a_field_of_tomorrow": {"deep": [1, [2, {"three": None}], 'quote " and \\ and \u2028']},
    "tiny": 1e-7,
    "stop": ["\n\n", "日本語 🦊"],
    "empty": {},
    "none": None,
    "stream": False,
}
HEALTHY = (
    *("sim/ok", "sim/long-200", "sim/one-byte", "sim/huge-event", "sim/crlf", "sim/cr", "sim/multi-line"),
    *("sim/bom", "sim/tools", "sim/reasoning", "sim/image", "sim/refusal", "sim/drip-5ms"),
)


def test_every_field_is_sent_unchanged_except_the_gateways_own(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/status-503", "sim/echo", **ODD_FIELDS, gateway={"retries": 0})
    answer = post(gateway, body)
    expected = {name: value for name, value in body.items() if name not in {"models", "gateway"}}
    for entry in journal.entries():
        assert entry["body"] == expected | {"model": entry["model"]}
    assert journal.models() == ["sim/status-503", "sim/echo"]
    echoed = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert echoed == expected | {"model": "sim/echo"}


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_large_body_goes_up_as_it_came_and_so_does_a_large_answer_come_down(
    gateway: Gateway, journal: Journal, in_pieces: bool, ascii_only: bool
) -> None:
    text = '日本語 🦊, "lorem" [ipsum] \\ é\n' * 40_000
    body = question(journal, "sim/echo", padding=text, gateway={"retries": 0})
    raw = json.dumps(body, ensure_ascii=ascii_only).encode()
    pieces = (raw[place : place + 1_000] for place in range(0, len(raw), 1_000))

    with gateway.client() as client:
        answer = client.post(CHAT, content=pieces if in_pieces else raw)

    echoed = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert len(raw) > 1_048_576
    assert echoed == {name: value for name, value in body.items() if name != "gateway"}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_compressed_body_goes_up_decoded(gateway: Gateway, journal: Journal, coding: str) -> None:
    pack = gzip.compress if coding == "gzip" else zlib.compress
    body = question(journal, "sim/echo", padding="lorem " * 400)
    with gateway.client() as client:
        raw = pack(json.dumps(body).encode())
        answer = client.post(CHAT, content=raw, headers={"content-encoding": coding})
    assert answer.status_code == 200
    assert journal.entries()[0]["body"]["padding"] == body["padding"]


def test_the_app_headers_and_the_gateways_key_are_sent_and_no_caller_headers(
    custom_gateway: Gateway, journal: Journal
) -> None:
    caller = {
        "x-title": "Another",
        "cookie": "session=1",
        "openai-organization": "org-1",
        "x-forwarded-for": "10.0.0.1",
    }
    assert post(custom_gateway, question(journal, "sim/ok"), **caller).status_code == 200
    [entry] = journal.entries()
    headers = entry["headers"]
    assert headers["http-referer"] == "https://app.example"
    assert headers["x-openrouter-title"] == headers["x-title"] == "An example"
    assert headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert not (OWN_SECRETS - {"authorization"}) & set(headers)
    assert custom_gateway.key not in json.dumps(entry)


def test_the_callers_app_is_named_if_the_settings_name_none(gateway: Gateway, journal: Journal) -> None:
    app = {"http-referer": "https://caller.example", "x-title": "A caller's app", "cookie": "session=1"}
    assert post(gateway, question(journal, "sim/ok"), **app).status_code == 200
    [entry] = journal.entries()
    headers = entry["headers"]
    assert headers["http-referer"] == "https://caller.example"
    assert headers["x-openrouter-title"] == headers["x-title"] == "A caller's app"
    assert not (OWN_SECRETS - {"authorization"}) & set(headers)


def test_the_callers_key_is_never_sent_upstream(gateway: Gateway, journal: Journal) -> None:
    with gateway.client(headers={"x-api-key": gateway.key}) as client:
        assert client.post(CHAT, json=question(journal, "sim/ok")).status_code == 200
    [entry] = journal.entries()
    assert gateway.key not in json.dumps(entry)


@pytest.mark.parametrize("model", HEALTHY)
def test_the_events_of_a_healthy_stream_arrive_unchanged(
    gateway: Gateway, simulator: str, journal: Journal, model: str
) -> None:
    body = question(journal, model, stream=True)
    through = events_of(post(gateway, body).content)
    direct = events_of(
        httpx.post(
            f"{simulator}/chat/completions",
            json=body,
            headers={"authorization": f"Bearer {UPSTREAM_KEY}"},
            trust_env=False,
        ).content
    )
    assert len(through) == len(direct)
    for ours, theirs in zip(through, direct, strict=True):
        if b'"usage"' not in theirs:
            assert ours == (event_of(data_of(theirs) or b"") if theirs.count(b"data:") > 1 else theirs)
    assert payloads_in(b"".join(through))[-1] == "[DONE]"


def test_a_streams_events_arrive_as_they_are_sent(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/drip-60ms", stream=True)
    with gateway.client() as client, client.stream("POST", CHAT, json=body) as answer:
        pieces = answer.iter_raw()
        raw = next(pieces)
        assert journal.entries()[0]["outcome"] == "open"
        assert journal.entries()[0]["events_sent"] < 12
        began_s, arrivals_s = time.monotonic(), []
        for piece in pieces:
            raw += piece
            arrivals_s.append(time.monotonic() - began_s)
    assert len([gap for gap in arrivals_s if gap > 0]) > 8, "the events arrived all at once"
    assert len(said_in(payloads_in(raw)).split()) == 20


def events_of(raw: bytes) -> list[bytes]:
    """Return a stream's events without comments and BOM; ids and times are replaced by fixed ones."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    raw = re.sub(rb"gen-\d+-\w{20}", b"gen-1", raw)
    raw = re.sub(rb'("created":\s*)\d+', rb"\g<1>1", raw)
    raw = re.sub(rb"call_\w{8}", b"call_1", raw)
    events = re.findall(rb".*?(?:\r\n\r\n|\n\n|\r\r)", raw, re.DOTALL)
    return [event for event in events if not event.startswith(b":")]
