"""Where a deployment's secrets come from, and that they are never shown or written."""

import json
from dataclasses import replace

import pytest

from scripts import smoke
from scripts.deploy.run import Surroundings, run
from scripts.deploy.secrets import asker
from scripts.deploy.target import Target
from scripts.wrangler import StepError
from tests.support.deploying import CONFIG, SECRET, SECRETS, TOKEN, WORKER, Account, deploy

STORED = ["OPENROUTER_API_KEY", "GATEWAY_KEYS"]


@pytest.fixture(autouse=True)
def _no_smoke_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "run", lambda *_: None)


@pytest.mark.parametrize("name", [*SECRETS])
def test_without_a_terminal_a_missing_secret_is_an_error_and_nothing_changes(
    account: Account, around: Surroundings, name: str
) -> None:
    given = {other: value for other, value in SECRETS.items() if other != name}

    with pytest.raises(StepError, match=f"^{name} is missing"):
        deploy(replace(around, environ=given), with_smoke=True)

    assert account.called() == ["whoami", "secret list"]


def test_the_error_for_a_missing_secret_has_the_command_that_sets_it(around: Surroundings) -> None:
    with pytest.raises(StepError, match="npx wrangler secret put OPENROUTER_API_KEY --env=staging"):
        deploy(replace(around, environ={}), "staging")


def test_with_a_terminal_only_missing_secrets_are_asked_for(account: Account, around: Surroundings) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question.partition(" ")[0])
        return SECRETS[asked[-1]]

    deploy(replace(around, environ={}, ask=ask), with_smoke=True)
    deploy(replace(around, environ={}, ask=ask), with_smoke=True)

    assert asked == [*SECRETS, "GATEWAY_KEY"]
    assert account.state["workers"][WORKER] == STORED


def test_secrets_are_passed_on_standard_input_and_never_shown_or_written(
    account: Account, around: Surroundings, capfd: pytest.CaptureFixture[str]
) -> None:
    deploy(around)

    [bulk] = [each for each in account.state["calls"] if each["words"][:2] == ["secret", "bulk"]]
    assert json.loads(bulk["stdin"]) == {name: SECRETS[name] for name in STORED}
    files = [path for path in around.directory.rglob("*") if path.is_file() and path != account.path]
    said = "".join(capfd.readouterr()) + "".join(path.read_text() for path in files)
    said += json.dumps([each["words"] for each in account.state["calls"]])
    assert SECRET not in said
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [("GATEWAY_KEYS", "canary"), ("GATEWAY_KEYS", "[canary"), ("OPENROUTER_API_KEY", "sk-or-canary two")],
)
def test_an_invalid_secret_is_refused_before_any_change_and_not_shown(
    account: Account, around: Surroundings, name: str, value: str
) -> None:
    with pytest.raises(StepError, match=f"^{name} must") as caught:
        deploy(replace(around, environ={**SECRETS, name: value}))

    assert "canary" not in str(caught.value)
    assert not account.state["workers"]


def test_a_secret_on_makes_command_line_is_refused(around: Surroundings) -> None:
    told = {**SECRETS, "MAKEFLAGS": f" -- OPENROUTER_API_KEY={SECRET}"}

    with pytest.raises(StepError, match=r"^OPENROUTER_API_KEY must not be on a command line"):
        deploy(replace(around, environ=told))


def test_upstreams_need_their_secrets_and_no_gateway_keys_are_needed_with_client_keys(
    account: Account, around: Surroundings
) -> None:
    upstream = {"openai": {"base_url": "https://api.openai.com/v1", "secret": "OPENAI_API_KEY"}}
    config = {**CONFIG, "vars": {"ALLOW_CLIENT_KEYS": True, "UPSTREAMS": upstream}}

    run(Target(config), replace(around, environ={**SECRETS, "OPENAI_API_KEY": "sk-x"}), with_smoke=False)

    assert account.state["workers"][WORKER] == ["OPENROUTER_API_KEY", "OPENAI_API_KEY"]


def test_without_a_terminal_or_in_ci_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asker({}) is None

    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    assert asker({}) is not None
    assert asker({"CI": "true"}) is None
