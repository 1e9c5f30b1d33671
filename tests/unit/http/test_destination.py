import ast
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.destination import check_destination, digest_of, redact_key, repeats_key
from gateway.http.message import Upstream, UpstreamRequest
from scripts.tools import ROOT

SRC = ROOT / "src"
KEY = "sk-or-v1-canary"
BASES = ["https://openrouter.ai/api/v1", "https://openrouter.ai", "http://localhost:9090/api/v1"]


def call(path: str, base_url: str = BASES[0]) -> UpstreamRequest:
    upstream = Upstream(base_url=base_url, api_key=KEY)
    return UpstreamRequest(upstream=upstream, method="POST", path=path, headers=(("a", "b"),), body=b"")


def test_the_key_is_added_to_the_headers_of_the_call() -> None:
    assert check_destination(call("/chat/completions")) == (
        "https://openrouter.ai/api/v1/chat/completions",
        (("a", "b"), ("authorization", f"Bearer {KEY}")),
    )


@pytest.mark.parametrize(
    "path",
    [
        "",
        "evil.example/x",
        "@evil.example",
        ".evil.example/x",
        ":1/x",
        ":x@evil.example/",
        "https://evil.example/x",
        "\\evil.example",
        "?x",
    ],
)
@pytest.mark.parametrize("base_url", BASES)
def test_a_path_to_another_host_is_refused(path: str, base_url: str) -> None:
    with pytest.raises(ValueError, match="must stay on its upstream's host"):
        check_destination(call(path, base_url))


@pytest.mark.parametrize(
    "path",
    ["//evil.example/x", "/@evil.example", "/../x", "/\\evil.example", "/https://evil.example", "/x?y#z"],
)
@pytest.mark.parametrize("base_url", BASES)
def test_an_odd_path_on_the_same_host_is_accepted(path: str, base_url: str) -> None:
    url, _ = check_destination(call(path, base_url))

    assert urlsplit(url)[:2] == urlsplit(base_url)[:2]
    assert url.startswith(base_url + "/")


@given(st.text(st.sampled_from("/\\@:?#.%a1\t\n "), max_size=12), st.sampled_from(BASES))
def test_no_path_sends_the_key_to_another_host(path: str, base_url: str) -> None:
    try:
        url, _ = check_destination(call(path, base_url))
    except ValueError:
        return

    assert urlsplit(url).netloc == urlsplit(base_url).netloc


def test_the_key_is_not_in_the_representation_of_a_call() -> None:
    assert KEY not in repr(call("/x"))


def test_a_digest_tells_addresses_and_keys_apart_and_shows_neither() -> None:
    upstreams = [
        Upstream(base_url=BASES[0], api_key=KEY),
        Upstream(base_url=BASES[1], api_key=KEY),
        Upstream(base_url=BASES[0], api_key=""),
        Upstream(base_url=BASES[0][:-1], api_key=BASES[0][-1] + KEY),
    ]
    digests = {digest_of(each) for each in upstreams}

    assert len(digests) == len(upstreams)
    assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in digests)


@pytest.mark.parametrize(
    ("text", "repeated"),
    [(KEY, True), (f"a {KEY}!", True), (KEY[:12], True), (KEY[-12:], True), (KEY[:11], False), ("", False)],
)
def test_a_text_repeats_a_key_if_it_holds_it_or_much_of_it(text: str, repeated: bool) -> None:
    assert repeats_key(text, Upstream(base_url=BASES[0], api_key=KEY)) is repeated


RANDOM = "sk-or-v1-0123456789abcdef9f8e7d6c5b4a39281706f5e4d3c2b1a0"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (f"wrong key {RANDOM}.", "wrong key -"),
        (f"({RANDOM[9:19]}) and {RANDOM[-10:].upper()}!", "- and -"),
        (f"a/{RANDOM[20:34]}/b is c", "- is c"),
        (f"see {RANDOM[9:17]} {RANDOM[17:30]} ok", "see - - ok"),
        (f"{RANDOM[9:15]} {RANDOM[15:21]} in two", "- - in two"),
        ("keys begin with sk-or-v1- here", "keys begin with sk-or-v1- here"),
        (RANDOM[9:18], RANDOM[9:18]),
        ("", ""),
    ],
)
def test_each_word_with_a_part_of_the_key_is_left_out(line: str, left: str) -> None:
    upstream = Upstream(base_url=BASES[0], api_key=RANDOM)

    assert redact_key(line, upstream, instead="-") == left


def test_guesses_of_the_first_random_characters_of_a_key_look_alike() -> None:
    upstream = Upstream(base_url=BASES[0], api_key=RANDOM)
    guesses = [f"{RANDOM[start:9]}{RANDOM[9:17]}" for start in range(9)]

    assert [redact_key(guess, upstream, instead="-") for guess in guesses] == guesses


def test_without_a_key_and_with_a_short_one() -> None:
    assert redact_key("a short text", Upstream(base_url="", api_key=""), instead="-") == "a short text"
    assert redact_key("a short text", Upstream(base_url="", api_key="short"), instead="-") == "a - text"


def test_no_other_module_reads_the_key_to_send_it() -> None:
    readers = set()
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr == "api_key"
                and not _is_presence_check(node, path)
            ):
                readers.add(path.name)

    assert readers == {"destination.py"}


def _is_presence_check(node: ast.Attribute, path: Path) -> bool:
    """Return whether the line only checks if there is a key."""
    line = path.read_text().splitlines()[node.lineno - 1]
    return "bool(" in line or "if not " in line
