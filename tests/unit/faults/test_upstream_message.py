"""The upstream's message, as the caller of a failed request sees it: where it is read, how it is cleaned."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.faults.details import REDACTED, reported_without_key
from gateway.faults.fault import ReportedError
from gateway.faults.upstream_message import MAX_CHARACTERS, clean, reported_error
from gateway.http.json_values import Json, JsonObject
from gateway.http.message import Upstream
from tests.support.faults import fault_in
from tests.support.samples import sample
from tests.support.work import Work, check_growth
from tests.unit.faults.test_classify_odd import ANYTHING

TOO_LONG = "This model's maximum context length is 32768 tokens. However, you requested 41220 tokens."
KEY = "qZ81hTn3-kW7pLs0xVb4"
PLAIN_KEY = "canary-of-a-plain-key"
ANTHROPIC: JsonObject = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "max_tokens: too large"},
}
GOOGLE: JsonObject = {"error": {"code": 400, "message": "Unknown name", "status": "INVALID_ARGUMENT"}}
OPENAI: JsonObject = {
    "error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": "bad_model"}
}


def openrouter(raw: Json, message: str = "Provider returned error", code: Json = 400) -> Json:
    return {"message": message, "code": code, "metadata": {"raw": raw, "provider_name": "Venice"}}


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        ({"message": "No.", "code": 400}, "No.", 400),
        ({"message": "No."}, "No.", 418),
        ("Access denied.", "Access denied.", 418),
        (openrouter(json.dumps(OPENAI)), "No.", "bad_model"),
        (openrouter(OPENAI), "No.", "bad_model"),
        (openrouter("Please retry shortly."), "Please retry shortly.", 400),
        (openrouter(json.dumps(ANTHROPIC)), "max_tokens: too large", "invalid_request_error"),
        (openrouter(json.dumps(GOOGLE)), "Unknown name", 400),
        (openrouter(json.dumps([GOOGLE])), "Unknown name", 400),
        (openrouter([GOOGLE]), "Unknown name", 400),
        (
            openrouter('{"code":20015,"message":"The parameter is invalid."}'),
            "The parameter is invalid.",
            20015,
        ),
        (openrouter(json.dumps({"error": {"message": json.dumps(GOOGLE)}})), "Unknown name", 400),
        (openrouter(json.dumps(OPENAI), "OpenRouter's own"), "OpenRouter's own", 400),
        (openrouter("Provider returned error"), "Provider returned error", 400),
        (openrouter('{"detail":[{"msg":"Field required"}]}'), "Provider returned error", 400),
        (openrouter("<html>Bad gateway</html>"), "Provider returned error", 400),
        (openrouter('{"error":{"message":"cut o'), "Provider returned error", 400),
        (openrouter(None), "Provider returned error", 400),
        (ANTHROPIC["error"], "max_tokens: too large", "invalid_request_error"),
        (GOOGLE["error"], "Unknown name", 400),
        ({"message": "No.", "error_type": "rate_limit_exceeded"}, "No.", "rate_limit_exceeded"),
        ({"error": "invalid_request", "message": "The long one."}, "The long one.", 418),
        ({"code": 503}, None, 503),
        ({"code": "two words", "message": "x"}, "x", 418),
        ({"code": "x" * 65, "message": "x"}, "x", 418),
        ({"code": "sk-or-v1-abc", "message": "x"}, "x", 418),
        ({"code": 10**400, "message": "x"}, "x", 418),
        ({"code": True, "message": "x"}, "x", 418),
        ({"message": 7}, None, 418),
        ({"user_id": "user_2x", "detail": "body", "param": "body"}, None, 418),
        ([], None, 418),
        (7, None, 418),
    ],
)
def test_the_message_and_the_code_are_read_from_every_known_form(
    error: Json, message: str | None, code: str | int | None
) -> None:
    assert reported_error(error, status=418) == ReportedError(message=message, code=code)


def test_a_validation_error_in_json_tells_its_first_message() -> None:
    reported = fault_in(sample("err-400-zod-validation")).reported

    assert reported == ReportedError(
        message="Invalid input: expected string, received undefined", code="invalid_type"
    )


def test_a_provider_that_counts_tokens_is_heard() -> None:
    reported = fault_in(sample("err-400-provider-previous-errors")).reported

    assert reported == ReportedError(message=TOO_LONG, code="context_length_exceeded")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("one\ntwo\r\n\tthree\u2028four\0", "one two three four"),
        ("a\x1b[31mb\x07", "a[31mb"),
        ("\u202eabc\u202c \u2066d\u2069 \ufeffe\u00ad", "abc d e"),
        ("sk-or\u200b-v1-\u2060abc\ufe0f\u3164", REDACTED),
        ("\ud800x", "x"),
        ("", None),
        (" \n\u200b", None),
        ("?!", None),
        ("<!DOCTYPE html><html>", None),
        ("  \u200b<h\u200btml>", None),
        ("502: <center><h1>Bad Gateway</h1></center>", None),
        ("<Error><Code>AccessDenied</Code></Error>", None),
        ("&lt;html&gt;", None),
        ("Stop sequences </s> are not allowed", "Stop sequences </s> are not allowed"),
        ('Error code: 400 - {"error": {"message": "x"}}', "Error code: 400"),
        ("Error: {'error': {'message': 'x'}}", "Error"),
        ("must be one of {'a', 'b'}", "must be one of {'a', 'b'}"),
        ("key: -----BEGIN PRIVATE KEY-----\nMIIE\n-----END", f"key: {REDACTED}"),
        ("quota 日本", "quota 日本"),
        (TOO_LONG, TOO_LONG),
    ],
)
def test_what_becomes_of_a_text(text: str, cleaned: str | None) -> None:
    assert clean(text) == cleaned


@given(st.text(max_size=3_000) | st.text(st.sampled_from("ab1 -_=@:/.…*\u200b\n<{\"'"), max_size=3_000))
def test_a_cleaned_message_is_one_short_printable_line(text: str) -> None:
    cleaned = clean(text)

    assert cleaned is None or (
        0 < len(cleaned) <= MAX_CHARACTERS and cleaned.isprintable() and cleaned.encode()
    )
    assert cleaned is None or cleaned == " ".join(cleaned.split())


@given(ANYTHING, st.none() | st.integers(300, 599))
def test_no_error_of_any_form_raises(error: Json, status: int | None) -> None:
    reported = reported_error({"message": error, "code": error, "metadata": {"raw": error}}, status=status)

    json.dumps([reported.message, reported.code], allow_nan=False)


@pytest.mark.parametrize("start", [*range(480, 505), *range(985, 1005)])
def test_a_secret_is_not_cut_in_two(start: int) -> None:
    secret = "gsk_AbCdEf"

    cleaned = clean("wo " * (start // 3) + " " * (start % 3) + "." * (start % 3) + secret + " end")

    assert cleaned is not None
    assert "gsk" not in cleaned


def test_a_secret_at_the_end_of_the_part_that_is_read_is_not_cut_in_two() -> None:
    long_ones = ("gsk_" + "a" * 90 + " ") * 10
    for length in range(950, 1_000):
        cleaned = clean(long_ones.ljust(length, ".") + " ghp_" + "b" * 90)

        assert "g" not in (cleaned or "").replace(REDACTED, "")


@pytest.mark.parametrize("start", range(MAX_CHARACTERS - 20, MAX_CHARACTERS))
def test_a_key_that_looks_like_none_is_not_cut_in_two(start: int) -> None:
    cleaned = clean(("Bad. " * 100)[: start - 1].ljust(start - 1, "!") + f" {PLAIN_KEY} end")

    reported = reported_without_key(ReportedError(message=cleaned), Upstream(base_url="", api_key=PLAIN_KEY))

    assert reported.message is not None
    assert PLAIN_KEY[:3] not in reported.message


PIECES = ["a", "a1", "key=", "@", "<", "\u200b", " ", '{"a', "[", '{"error":', "user: ", "AbC-", "...a", "*a"]


@pytest.mark.parametrize("piece", PIECES)
def test_a_text_takes_no_more_than_linear_work(piece: str) -> None:
    def work_of(times: int) -> Work:
        text = piece * times
        error: Json = {"message": text, "metadata": {"raw": text}}
        return lambda: reported_error(error, status=400)

    check_growth(work_of, 100_000)
    check_growth(work_of, 200)  # within the part that is read


def test_deeply_nested_errors_are_left_unread() -> None:
    error: Json = "the innermost"
    for _ in range(100):
        error = {"error": error}

    assert reported_error(error, status=500) == ReportedError(code=500)


@pytest.mark.parametrize(
    "text", [KEY, KEY.lower(), f"({KEY[:10]})", f"x/{KEY[-10:]}", f"{KEY[:7]} {KEY[7:14]}"]
)
def test_the_key_of_the_call_is_left_out(text: str) -> None:
    upstream = Upstream(base_url="", api_key=KEY)

    reported = reported_without_key(ReportedError(message=f"bad {text} key", code=KEY[:12]), upstream)

    assert reported.code is None
    assert (reported.message or "").replace(REDACTED, "").split() == ["bad", "key"]
