"""The classification in `make compare`: the words for what arrived."""

import json

import pytest

from bench.compare.ask import Call, Ending, Got
from bench.compare.document import PAGE, between, table
from bench.compare.gateways import litellm_config, portkey_config
from bench.compare.situations import ANSWER, CHAINS, SITUATIONS, Situation
from bench.compare.verdicts import read_stream, verdict

PLAIN = Situation(name="plain", first="sim/a")
STREAM = Situation(name="stream", first="sim/a", stream=True)
EXHAUSTED = Situation(name="both", first="sim/a", then="sim/b")


def got(
    body: bytes = b"",
    *,
    status: int | None = 200,
    ending: Ending = "whole",
    seconds: float = 0.1,
    **headers: str,
) -> Got:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Got(status=status, headers=named, body=body, ending=ending, seconds=seconds)


def answer(content: str | None, **more: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}}], **more}).encode()


def sse(*pieces: str, finish: str | None = None, done: bool = False, error: bool = False) -> bytes:
    events: list[dict[str, object]] = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    events += [{"choices": [{"delta": {}, "finish_reason": finish}]}] if finish else []
    events += [{"error": {"message": "x"}, "choices": []}] if error else []
    lines = [": a comment", *(f"data: {json.dumps(event)}" for event in events), *(["data: [DONE]"] * done)]
    return "\n\n".join(lines).encode()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (got(answer(ANSWER)), "answered by B"),
        (got(answer(ANSWER), seconds=5.2), "answered by B, after 5 s"),
        (got(answer("")), "status 200 with an answer without text"),
        (got(answer(None)), "status 200 with an answer without text"),
        (got(answer("Something else.")), "status 200 with another text"),
        (got(b'{"error": {"message": "x"}}'), "status 200 with the error"),
        (got(b"<html></html>"), "status 200 with what is no JSON"),
        (got(answer(ANSWER)[:20]), "status 200 with what is no JSON"),
        (got(b"[]"), "status 200 with what is no JSON"),
        (got(answer(ANSWER)[:20], ending="broken"), "half an answer, the connection breaks"),
        (got(b"{}", status=503), "status 503"),
        (got(status=None, ending="broken"), "the connection breaks"),
        (got(status=None, ending="out of patience", seconds=20), "nothing for 20 s"),
    ],
)
def test_a_plain_reply_is_classified(found: Got, expected: str) -> None:
    assert verdict(PLAIN, found, []) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (got(sse(ANSWER, finish="stop", done=True)), "answered by B"),
        (got(sse("Canb", ANSWER, finish="stop")), "part of the text, then all of B's"),
        (got(sse("Canb", finish="stop", done=True)), "looks whole: part of the text, then `stop`"),
        (got(sse("Canb", done=True)), "looks whole: part of the text, then `[DONE]`"),
        (got(sse("Canb")), "looks whole: part of the text, then a clean end"),
        (got(sse(ANSWER)), "looks whole: part of the text, then a clean end"),
        (got(sse("Canb", error=True)), "part of the text, then an error event"),
        (got(sse("Canb", finish="error")), "part of the text, then `finish_reason: error`"),
        (got(sse(error=True, done=True)), "status 200, then an error event"),
        (got(b'data: {"choices": [{"del\n\n'), "status 200, then an error event"),
        (got(sse(done=True)), "status 200 and a stream without text"),
        (got(sse("Canb"), ending="broken"), "part of the text, then the connection breaks"),
        (got(sse("Canb"), ending="out of patience"), "part of the text, then nothing for 20 s"),
        (got(b": a comment\n\n", ending="out of patience"), "nothing for 20 s"),
        (got(b"{}", status=502), "status 502"),
    ],
)
def test_a_stream_is_classified_as_a_client_reads_it(found: Got, expected: str) -> None:
    assert verdict(STREAM, found, []) == expected


def test_a_failed_chains_verdict_has_models_retry_advice_leaks_and_calls() -> None:
    calls = [Call("sim/a", "answered"), Call("sim/b", "answered")]
    silent = got(b'{"error": {"user_id": "user_2xA"}}', status=500)
    assert verdict(EXHAUSTED, silent, calls) == (
        "status 500, neither model is named, no advice on trying again, shows the account's id, "
        "2 calls upstream"
    )
    honest = got(b"sim/a sim/b", status=429, retry_after="40", x_should_retry="true")
    assert verdict(EXHAUSTED, honest, calls[:1]) == (
        "status 429, both models are named, `Retry-After: 40`, `x-should-retry: true`, 1 call upstream"
    )


def test_a_call_that_goes_on_after_the_reply_is_reported() -> None:
    calls = [Call("sim/a", "open")]
    assert verdict(PLAIN, got(answer(ANSWER)), calls) == "answered by B, the first call goes on upstream"
    ended = [Call("sim/a", "cancelled"), Call("sim/ok", "open")]
    assert verdict(PLAIN, got(answer(ANSWER)), ended) == "answered by B"


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["cancelled"], "ended upstream"),
        (["open"], "goes on upstream"),
        (["answered"], "goes on upstream"),
        (["cancelled", "open"], "goes on upstream"),
        ([], "was never asked"),
    ],
)
def test_after_a_caller_has_left_only_the_upstream_call_matters(outcomes: list[str], expected: str) -> None:
    leaving = Situation(name="leaves", first="sim/a", stream=True, leaves="within the stream")
    calls = [Call("sim/a", outcome) for outcome in outcomes]
    assert verdict(leaving, got(sse("Canb"), ending="left"), calls) == expected


def test_lines_that_are_no_events_are_ignored() -> None:
    event = b'data:{"choices": [{"delta": {"content": "a"}}]}'
    seen = read_stream(b": x\r\n\r\nevent: y\n" + event + b"\n\ndata: [DONE]\n")
    assert (seen.text, seen.finish, seen.is_done, seen.has_error) == ("a", None, True, False)


def test_no_two_situations_share_a_first_model() -> None:
    firsts = [situation.first for situation in SITUATIONS]
    assert len(set(firsts)) == len(firsts)
    assert not set(firsts) & set(CHAINS.values())
    assert len({situation.name for situation in SITUATIONS}) == len(SITUATIONS)


def test_the_page_has_exactly_one_row_per_situation() -> None:
    _, _, after = PAGE.read_text(encoding="utf-8").partition("| what happens |")
    rows = after.partition("<!-- /behaviour -->")[0].splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [each.name for each in SITUATIONS]


def test_each_gateway_is_configured_with_the_same_chain_and_time_limit() -> None:
    light = litellm_config("http://localhost/api/v1", "k", {"sim/a": "sim/b"})
    assert light["router_settings"] == {"fallbacks": [{"sim/a": ["sim/b"]}], "num_retries": 0, "timeout": 5.0}
    port = portkey_config("http://localhost/api/v1", "k", ("sim/a", "sim/b"))
    assert port["request_timeout"] == 5000
    assert json.dumps(port).index("sim/a") < json.dumps(port).index("sim/b")
    assert '"custom_host": "http://localhost/api"' in json.dumps(port)


def test_a_table_replaces_only_the_text_between_its_marks() -> None:
    page = "a\n<!-- costs: written by `make compare` -->\nold\n<!-- /costs -->\nb\n"
    written = table(("x", "y"), [("1", "2")])
    assert written == "| x | y |\n|---|---|\n| 1 | 2 |\n"
    assert between(page, "costs", written) == page.replace("old\n", written)
    with pytest.raises(ValueError, match="behaviour"):
        between(page, "behaviour", written)
