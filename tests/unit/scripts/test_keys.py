"""`make key` and its relatives: what they write and send, and what they refuse."""

import json
import re
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.access.stored_key import TOKEN
from gateway.settings.keys import as_keys
from scripts.deploy.secrets import with_key_file
from scripts.keys.file import MAX_BYTES
from scripts.keys.new_key import VARIABLES, fields_in, new_token
from scripts.keys.run import ADMIN_KEY, run
from scripts.wrangler import StepError

ADMIN = "canary-of-an-admins-token"
EVERYTHING = {
    "MODELS": "a/*, task/code",
    "ADMIN": "false",
    "EXPIRES": "2099-01-31",
    "BUDGET_DAY": "2",
    "BUDGET_MONTH": "20.5",
    "PER_MINUTE": "60",
    "CONCURRENT": "4",
    "ORIGINS": "https://app.example",
    "MAX_COST": "0.05",
    "MAX_SESSION": "1",
    "MAX_TOKENS": "1000",
}
FIELDS = {
    "models": ["a/*", "task/code"],
    "admin": False,
    "expires": "2099-01-31",
    "budget": {"day_usd": 2.0, "month_usd": 20.5},
    "per_minute": 60,
    "concurrent": 4,
    "origins": ["https://app.example"],
    "limits": {"max_cost_usd": 0.05, "max_session_usd": 1.0, "max_tokens": 1000},
}


def command(what: str, directory: Path, **environ: str) -> str:
    return run(what, environ, None, directory)


def token_in(printed: str) -> str:
    [token] = re.findall(r"oe-[0-9a-f]{64}", printed)
    return str(token)


def entries_in(directory: Path) -> list[dict[str, object]]:
    value: list[dict[str, object]] = json.loads((directory / "keys.json").read_text())
    return value


def test_a_token_has_the_form_of_those_that_gateways_make() -> None:
    assert TOKEN.fullmatch(new_token())
    assert new_token() != new_token()


def test_variables_become_the_fields_of_a_key() -> None:
    assert EVERYTHING.keys() == VARIABLES.keys()

    assert fields_in(EVERYTHING) == FIELDS
    assert fields_in(dict.fromkeys(EVERYTHING, " ")) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODELS", "a\u00e9"),
        ("ADMIN", "maybe"),
        ("EXPIRES", "tomorrow"),
        ("BUDGET_DAY", "-1"),
        ("BUDGET_MONTH", "ten"),
        ("PER_MINUTE", "0"),
        ("CONCURRENT", "1.5"),
        ("ORIGINS", "https://a.example/path"),
        ("MAX_COST", "0"),
        ("MAX_TOKENS", "many"),
    ],
)
def test_the_error_for_a_wrong_variable_names_it_and_nothing_is_written(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(StepError, match=f"^{name} is wrong: it must"):
        run("key", {"NAME": "app", name: value}, None, tmp_path)

    assert not [*tmp_path.iterdir()]


def test_a_key_goes_into_the_file_as_a_digest_and_its_token_is_printed_once(tmp_path: Path) -> None:
    printed = command("key", tmp_path, NAME="app1", **EVERYTHING)

    token, text = token_in(printed), (tmp_path / "keys.json").read_text()
    (key,) = as_keys(text)
    (same,) = as_keys(json.dumps([{"name": "app1", "token": token, **FIELDS}]))
    assert key == same
    assert token not in text
    assert "npx wrangler secret put GATEWAY_KEYS --env= < keys.json" in printed
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_keys_of_the_file_are_added_rotated_listed_and_revoked(tmp_path: Path) -> None:
    command("key", tmp_path, NAME="app1", BUDGET_DAY="2")
    command("key", tmp_path, NAME="app2")
    with pytest.raises(StepError, match="key-rotate NAME=app1"):
        command("key", tmp_path, NAME="app1")

    tokens = [token_in(command("key-rotate", tmp_path, NAME="app1")) for _ in range(2)]
    names = [each["name"] for each in entries_in(tmp_path)]
    assert sorted(map(str, names)) == ["app1", "app1", "app2"]
    held = {key.digest for key in as_keys((tmp_path / "keys.json").read_text())}
    (both,) = [as_keys(f"one:{tokens[0]}\ntwo:{tokens[1]}")]
    assert {key.digest for key in both} < held
    assert [each["budget"] for each in entries_in(tmp_path) if each["name"] == "app1"] == [
        {"day_usd": 2.0}
    ] * 2
    assert command("keys", tmp_path).splitlines()[0].split() == ["name", "budget"]

    assert "secret put" in command("key-revoke", tmp_path, NAME="app1")
    assert [each["name"] for each in entries_in(tmp_path)] == ["app2"]
    command("key-revoke", tmp_path, NAME="app2")
    assert entries_in(tmp_path) == []
    assert "make key NAME=app1" in command("keys", tmp_path)
    for what in ("key-rotate", "key-revoke"):
        with pytest.raises(StepError, match="app1 is not in"):
            command(what, tmp_path, NAME="app1")


def test_a_file_that_a_secret_could_not_hold_is_not_written(tmp_path: Path) -> None:
    def fill() -> None:
        for number in range(100):
            command("key", tmp_path, NAME=f"app{number}")

    with pytest.raises(StepError, match="URL="):
        fill()

    assert (tmp_path / "keys.json").stat().st_size <= MAX_BYTES
    assert len(entries_in(tmp_path)) > 30


@pytest.mark.parametrize("text", ["{}", "app:a-token-of-16-characters", "[", '[{"name": "canary"}]'])
def test_a_damaged_file_is_refused_and_not_overwritten(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)

    with pytest.raises(StepError, match=r"^keys\.json ") as raised:
        command("key", tmp_path, NAME="app1")
    assert "canary" not in str(raised.value)
    assert (tmp_path / "keys.json").read_text() == text


@pytest.mark.parametrize("name", ["", "a b", "own-app", "a/b"])
@pytest.mark.parametrize("what", ["key", "key-rotate", "key-revoke"])
def test_a_wrong_name_is_refused(tmp_path: Path, what: str, name: str) -> None:
    with pytest.raises(StepError, match=r"^NAME=app1 is missing or wrong"):
        command(what, tmp_path, NAME=name)


@pytest.mark.parametrize(
    ("what", "flags", "problem"),
    [
        ("key", "BUGDET_DAY=2", "no such variable: BUGDET_DAY"),
        ("key-rotate", "BUDGET_DAY=2", "no such variable: BUDGET_DAY"),
        ("keys", "NAME=x", "no such variable: NAME"),
        ("key", f"{ADMIN_KEY}={ADMIN}", f"^{ADMIN_KEY} must not be on a command line"),
    ],
)
def test_a_variable_that_a_command_does_not_take_is_refused(
    tmp_path: Path, what: str, flags: str, problem: str
) -> None:
    with pytest.raises(StepError, match=problem) as raised:
        command(what, tmp_path, NAME="app1", MAKEFLAGS=f" -- {flags}")
    assert ADMIN not in str(raised.value)


def test_how_long_an_old_token_is_valid_is_for_a_running_gateway(tmp_path: Path) -> None:
    command("key", tmp_path, NAME="app1")

    with pytest.raises(StepError, match=r"^VALID_FOR_S needs"):
        command("key-rotate", tmp_path, NAME="app1", VALID_FOR_S="60")


def test_make_deploy_reads_the_file_unless_the_environment_has_keys(tmp_path: Path) -> None:
    assert with_key_file({"A": "b"}, tmp_path) == {"A": "b"}
    command("key", tmp_path, NAME="app1")

    assert [key.name for key in as_keys(with_key_file({}, tmp_path)["GATEWAY_KEYS"])] == ["app1"]
    assert with_key_file({"GATEWAY_KEYS": "given"}, tmp_path)["GATEWAY_KEYS"] == "given"
    assert [key.name for key in as_keys(with_key_file({"GATEWAY_KEYS": " "}, tmp_path)["GATEWAY_KEYS"])] == [
        "app1"
    ]


@dataclass
class Fake:
    """A fake gateway: what it answers in order, and what it got."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], object]] = field(default_factory=list)
    got: list[tuple[str, str, str | None, object]] = field(default_factory=list)


@pytest.fixture
def fake() -> Iterator[Fake]:
    made = Fake()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.loads(raw) if raw else None
            made.got.append((self.command, self.path, self.headers.get("authorization"), body))
            status, headers, payload = made.answers.pop(0)
            data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            self.send_response(status)
            for name, value in {"content-length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815  # the names of http.server

        def log_message(self, *_: object) -> None:  # it shall say nothing
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()


def at(fake: Fake, what: str, directory: Path, **environ: str) -> str:
    return command(what, directory, URL=fake.url, **{ADMIN_KEY: ADMIN}, **environ)


def test_with_a_url_keys_are_those_of_the_running_gateway(tmp_path: Path, fake: Fake) -> None:
    token = new_token()
    fake.answers = [
        (201, {}, {"token": token}),
        (200, {}, {"token": token, "old_token_until": "soon"}),
        (200, {}, {}),
    ]

    assert token_in(at(fake, "key", tmp_path, NAME="app1", BUDGET_DAY="2")) == token
    assert "valid until soon" in at(fake, "key-rotate", tmp_path, NAME="app1", VALID_FOR_S="60")
    assert "revoked" in at(fake, "key-revoke", tmp_path, NAME="app1")

    key = f"Bearer {ADMIN}"
    assert fake.got == [
        ("POST", "/v1/keys", key, {"name": "app1", "budget": {"day_usd": 2.0}}),
        ("POST", "/v1/keys/app1/rotate", key, {"valid_for_s": 60}),
        ("DELETE", "/v1/keys/app1", key, None),
    ]
    assert not [*tmp_path.iterdir()]


def test_all_pages_are_listed(tmp_path: Path, fake: Fake) -> None:
    fake.answers = [
        (
            200,
            {},
            {
                "data": [{"name": "a", "state": "active", "models": ["x/*", "y"]}],
                "next": "a",
                "in_secret": [],
            },
        ),
        (200, {}, {"data": [{"name": "b", "state": "revoked"}], "next": None, "in_secret": ["me"]}),
    ]

    printed = at(fake, "keys", tmp_path).splitlines()

    assert [line.split()[0] for line in printed] == ["name", "me", "a", "b"]
    assert printed[2].split() == ["a", "active", "x/*", "y"]
    assert [path for _, path, _, _ in fake.got] == ["/v1/keys", "/v1/keys?after=a"]


@pytest.mark.parametrize("suffix", ["/", "/v1", "/api/v1", "/v1/"])
def test_an_address_with_its_usual_ends_is_taken(tmp_path: Path, fake: Fake, suffix: str) -> None:
    fake.answers = [(200, {}, {"data": [], "next": None, "in_secret": []})]

    command("keys", tmp_path, URL=fake.url + suffix, **{ADMIN_KEY: ADMIN})

    assert fake.got[0][1] == "/v1/keys"


def test_the_gateways_own_words_are_shown(tmp_path: Path, fake: Fake) -> None:
    fake.answers = [(409, {}, {"error": {"message": "There is a key of this name."}}), (502, {}, b"<html>")]

    with pytest.raises(StepError, match=r"the gateway refused: There is a key of this name\."):
        at(fake, "key", tmp_path, NAME="app1")
    with pytest.raises(StepError, match="the gateway refused: status 502"):
        at(fake, "key", tmp_path, NAME="app1")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("what", ["keys", "key"])
def test_the_admins_key_follows_no_redirect(tmp_path: Path, fake: Fake, status: int, what: str) -> None:
    fake.answers = [(status, {"location": "/elsewhere"}, b"")]
    named = {"NAME": "app1"} if what == "key" else {}

    with pytest.raises(StepError, match="redirect"):
        at(fake, what, tmp_path, **named)

    assert len(fake.got) == 1


def test_what_is_no_gateway_or_no_address_is_said(tmp_path: Path, fake: Fake) -> None:
    fake.answers = [(200, {}, b"hello")]

    with pytest.raises(StepError, match="is no gateway"):
        at(fake, "keys", tmp_path)
    with pytest.raises(StepError, match="does not answer"):
        command("keys", tmp_path, URL="http://127.0.0.1:9", **{ADMIN_KEY: ADMIN})
    for url in ("http://a.example", "ftp://a.example", "a.example", "https://u:p@a.example"):
        with pytest.raises(StepError, match=r"^URL must"):
            command("keys", tmp_path, URL=url, **{ADMIN_KEY: ADMIN})


def test_the_admins_key_comes_from_a_file_or_a_question_and_none_is_needed_on_loopback(
    tmp_path: Path, fake: Fake
) -> None:
    empty: object = {"data": [], "next": None, "in_secret": []}
    fake.answers = [(200, {}, empty)] * 2
    command("keys", tmp_path, URL=fake.url)
    (tmp_path / ".dev.vars").write_text(f"{ADMIN_KEY}={ADMIN}\n")
    command("keys", tmp_path, URL=fake.url)

    assert [key for _, _, key, _ in fake.got] == [None, f"Bearer {ADMIN}"]
    (tmp_path / ".dev.vars").unlink()
    with pytest.raises(StepError, match=f"^{ADMIN_KEY} is missing"):
        command("keys", tmp_path, URL="https://gateway.example")
