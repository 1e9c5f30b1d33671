"""The effects of `make deploy` on an account, with a fake wrangler."""

from dataclasses import replace

import pytest

from scripts import smoke
from scripts.deploy.rehearsal import rehearse, steps
from scripts.deploy.run import Surroundings
from scripts.deploy.steps import public_url
from scripts.deploy.target import BOUND_CONFIG, Target
from scripts.tools import ROOT
from scripts.wrangler import StepError
from tests.support import fake_wrangler
from tests.support.deploying import CONFIG, TOKEN, WORKER, Account, deploy


def test_a_first_deploy_creates_everything_in_order_and_tests_it(
    account: Account, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[tuple[str, str]] = []
    monkeypatch.setattr(smoke, "run", lambda url, key, _environ: tested.append((url, key)))

    deploy(around, with_smoke=True)

    order = ["whoami", "secret list", "kv namespace list", "d1 list", "d1 create", "d1 list"]
    assert account.called() == [*order, "d1 migrations apply", "secret bulk", "deploy"]
    assert account.state["workers"] == {WORKER: ["OPENROUTER_API_KEY", "GATEWAY_KEYS"]}
    assert account.state["migrated"] == [*account.state["d1"].values()]
    assert tested == [(fake_wrangler.HOST.format(WORKER), TOKEN)]


def test_a_second_deploy_creates_nothing_and_uploads_no_secret(
    account: Account, around: Surroundings
) -> None:
    deploy(around)
    before = account.state
    account.change(calls=[])

    deploy(around)

    for what in ("kv", "d1", "workers"):
        assert account.state[what] == before[what]
    assert not {"d1 create", "secret bulk"} & {*account.called()}


def test_a_second_try_continues_after_a_failed_deploy(account: Account, around: Surroundings) -> None:
    account.change(broken="deploy")
    with pytest.raises(StepError, match="ended with status 1"):
        deploy(around)
    account.change(broken="")

    deploy(around)  # wrangler alone would try to create the KV namespace again, and fail

    [namespace] = account.state["bound"][WORKER]["kv_namespaces"]
    assert namespace["id"] in account.state["kv"].values()


@pytest.mark.parametrize("command", ["secret list", "kv namespace list", "d1 create", "d1 migrations apply"])
def test_nothing_is_deployed_after_a_step_that_failed(
    account: Account, around: Surroundings, command: str
) -> None:
    account.change(broken=command)

    with pytest.raises(StepError, match=command):
        deploy(around)

    assert account.called()[-1] == command


def test_staging_has_its_own_worker_stores_and_secrets(account: Account, around: Surroundings) -> None:
    deploy(around)
    production = account.state

    deploy(around, "staging")

    assert set(account.state["workers"]) == {WORKER, f"{WORKER}-staging"}
    assert set(account.state["d1"]) - set(production["d1"]) == {f"{WORKER}-staging-ledger"}
    assert set(account.state["kv"]) - set(production["kv"]) == {f"{WORKER}-staging-model-cache"}
    assert account.state["bound"][WORKER] == production["bound"][WORKER]


def test_a_deploy_changes_only_files_that_git_ignores(around: Surroundings) -> None:
    before = (ROOT / "wrangler.toml").read_bytes()

    deploy(around)

    assert (ROOT / "wrangler.toml").read_bytes() == before
    assert (around.directory / BOUND_CONFIG).exists()
    assert BOUND_CONFIG in (ROOT / ".gitignore").read_text().splitlines()


def test_the_error_without_a_login_says_how_to_log_in(account: Account, around: Surroundings) -> None:
    account.change(logged_in=False)

    with pytest.raises(StepError, match="npx wrangler login, or set CLOUDFLARE_API_TOKEN"):
        deploy(around)


def test_with_a_terminal_the_login_comes_first(account: Account, around: Surroundings) -> None:
    account.change(logged_in=False)

    deploy(replace(around, ask=lambda _question: ""))

    assert account.called()[:4] == ["whoami", "login", "whoami", "secret list"]


def test_a_failed_smoke_test_says_how_to_roll_back(
    around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StepError("the smoke test failed")

    monkeypatch.setattr(smoke, "run", fail)

    with pytest.raises(StepError, match="npx wrangler rollback --env=staging"):
        deploy(around, "staging", with_smoke=True)


def test_a_dry_run_shows_every_command_that_a_deploy_runs(account: Account, around: Surroundings) -> None:
    shown = {line for _, commands in steps(Target(CONFIG), ()) for line in commands}

    deploy(around)

    assert {" ".join(["npx", "wrangler", *each["words"]]) for each in account.state["calls"]} <= shown


def test_a_dry_run_touches_no_account(account: Account, around: Surroundings) -> None:
    rehearse(around.wrangler, Target(CONFIG), around.directory, ())

    words = [each["words"] for each in account.state["calls"]]
    assert account.called() == ["d1 migrations apply", "deploy"]
    assert "--local" in words[0]
    assert "--dry-run" in words[1]


@pytest.mark.parametrize(
    ("targets", "url"),
    [
        (["https://w.example.workers.dev", "schedule: * * * * *"], "https://w.example.workers.dev"),
        (["https://w.example.workers.dev", "api.example.com (custom domain)"], "https://api.example.com"),
        (["example.com/api/* (zone name: example.com)"], None),
    ],
)
def test_the_url_is_the_custom_domain_if_there_is_one(targets: list[str], url: str | None) -> None:
    assert public_url(targets) == url
