"""The settings that `make dev` gives to the Worker, and their sources."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.dev.env import command_line_names, given_settings, quote_dotenv, read_dotenv, unknown_names
from scripts.dev.run import SIMULATOR_KEY, banner, is_secret, plan, setting_names
from scripts.dev.stage import old_config, stage, to_toml

NAMES = frozenset({"A", "B", "C"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=plain", "plain"),
        ("export A = spaced  # a remark", "spaced"),
        ("A='it is \"quoted\" # whole'", 'it is "quoted" # whole'),
        ('A="two\\nlines"', "two\nlines"),
        ("A='two\nlines'", "two\nlines"),
        ("A=`it's`", "it's"),
        ("# B=1\nA=2", "2"),
        ("A=", ""),
    ],
)
def test_a_dotenv_file_is_read_by_wranglers_rules(text: str, value: str) -> None:
    assert read_dotenv(text) == {"A": value}


def test_an_empty_value_does_not_swallow_the_next_line() -> None:
    assert read_dotenv("A=\nB=2\n") == {"A": "", "B": "2"}


@given(st.text(alphabet=st.characters(exclude_characters="\r`", exclude_categories=["Cs"])))
def test_a_quoted_value_is_read_back(value: str) -> None:
    assert read_dotenv(f"A={quote_dotenv(value)}\nB=2\n") == {"A": value, "B": "2"}


def test_the_environment_overrides_dev_vars_which_overrides_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=env\nB=env\nC=env\nOTHER=1\n")
    (tmp_path / ".dev.vars").write_text("A=dev\nB=dev\n")
    assert given_settings(tmp_path, {"A": "shell", "PATH": "/"}, NAMES) == {
        "A": "shell",
        "B": "dev",
        "C": "env",
    }


@pytest.mark.parametrize(
    ("makeflags", "names"),
    [
        ("", ()),
        ("s -j2 --jobserver-auth=3,4", ()),
        ("w -- PORT=9 B:=2 A=b\\ c=d\\\\d\\ $$x", ("PORT", "B", "A")),
    ],
)
def test_the_names_on_makes_command_line_are_found(makeflags: str, names: tuple[str, ...]) -> None:
    assert command_line_names(makeflags) == names


def test_unknown_names_are_found() -> None:
    assert unknown_names(("A", "AA"), NAMES) == ("AA",)


def test_without_a_key_the_simulator_is_the_upstream() -> None:
    planned = plan({})
    assert planned.simulated
    assert planned.is_open
    assert planned.settings == {
        "OPENROUTER_API_KEY": SIMULATOR_KEY,
        "DEFAULT_MODEL": "sim/ok",
        "OPEN_ON_LOOPBACK": "true",
    }


def test_an_empty_setting_counts_as_missing() -> None:
    assert plan({"OPENROUTER_API_KEY": "", "GATEWAY_KEYS": ""}) == plan({})


def test_with_a_key_openrouter_is_the_upstream() -> None:
    planned = plan({"OPENROUTER_API_KEY": "sk-or-v1-mine"})
    assert not planned.simulated
    assert "DEFAULT_MODEL" not in planned.settings


def test_a_base_url_on_loopback_needs_no_key() -> None:
    planned = plan({"OPENROUTER_BASE_URL": "http://127.0.0.1:9900/api/v1"})
    assert not planned.simulated
    assert planned.settings["OPENROUTER_API_KEY"] == SIMULATOR_KEY


def test_another_base_url_gets_the_users_key_only() -> None:
    assert "OPENROUTER_API_KEY" not in plan({"OPENROUTER_BASE_URL": "https://example.com/api/v1"}).settings


def test_gateway_keys_close_the_gateway() -> None:
    planned = plan({"GATEWAY_KEYS": "me:0123456789abcdef"})
    assert not planned.is_open
    assert "OPEN_ON_LOOPBACK" not in planned.settings


@pytest.mark.parametrize("asked", ["shared", "strict"])
def test_coordination_is_local_where_no_durable_object_runs_and_the_start_says_so(asked: str) -> None:
    planned = plan({"COORDINATION": asked})

    assert planned.settings["COORDINATION"] == "local"
    assert f"counts    local, in this process: COORDINATION={asked} needs" in banner(
        8787, planned, "http://x"
    )


@pytest.mark.parametrize("given", [{}, {"COORDINATION": "local"}])
def test_a_start_that_was_asked_for_nothing_else_says_nothing_of_coordination(given: dict[str, str]) -> None:
    assert "COORDINATION" not in banner(8787, plan(given), "http://x")


def test_the_old_wranglers_configuration_has_only_what_it_supports() -> None:
    config = {
        "name": "w",
        "compatibility_flags": ["python_workers", "enable_request_signal"],
        "vars": {"A": "file", "B": "file"},
        "observability": {"enabled": True},
        "triggers": {"crons": ["* * * * *"]},
        "durable_objects": {"bindings": [{"name": "COORDINATOR", "class_name": "Coordinator"}]},
        "migrations": [{"tag": "coordinator", "new_sqlite_classes": ["Coordinator"]}],
    }
    staged = old_config(config, "entry.py", {"A": "given"}, ["MODEL_CACHE"])
    assert staged["compatibility_flags"] == ["python_workers"]
    assert staged["vars"] == {"A": "given", "B": "file"}
    assert staged["kv_namespaces"] == [{"binding": "MODEL_CACHE", "id": "local"}]
    assert not staged.keys() & {"observability", "triggers", "d1_databases", "durable_objects", "migrations"}


@given(
    st.dictionaries(
        st.text(max_size=9), st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=3
    )
)
def test_written_toml_is_read_back(variables: dict[str, str]) -> None:
    document = {"name": "w", "flags": ["a"], "vars": variables, "tables": [{"k": "v"}, {"k": "w"}]}
    assert tomllib.loads(to_toml(document)) == document


def test_secrets_are_staged_where_only_their_owner_can_read_them(tmp_path: Path) -> None:
    config = {"name": "w", "compatibility_flags": ["python_workers"]}
    stage(tmp_path, config, main=tmp_path / "entry.py", variables={"A": "1"}, secrets={"KEY": 's"e$cret'})
    assert (tmp_path / ".dev.vars").stat().st_mode & 0o077 == 0
    assert read_dotenv((tmp_path / ".dev.vars").read_text()) == {"KEY": 's"e$cret'}
    assert "cret" not in (tmp_path / "wrangler.toml").read_text()


def test_the_secrets_that_upstreams_name_can_be_set() -> None:
    declared = '{"near": {"base_url": "https://near.example/v1", "secret": "NEAR_KEY"}}'

    assert "NEAR_KEY" in setting_names({"UPSTREAMS": declared})
    assert "NEAR_KEY" not in setting_names({"UPSTREAMS": "{"})
    assert "TASK_ROUTES" in setting_names({})


@pytest.mark.parametrize(
    ("name", "secret"), [("OPENROUTER_API_KEY", True), ("NEAR_KEY", True), ("DEFAULT_MODEL", False)]
)
def test_a_name_that_is_no_gateway_setting_is_a_secret(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


def test_a_table_among_the_variables_becomes_json() -> None:
    config = {"name": "x", "compatibility_flags": [], "vars": {"TASK_ROUTES": {"task/a": ["b/c"]}, "N": 1}}

    staged = old_config(config, "main.py", {}, ())

    assert staged["vars"] == {"TASK_ROUTES": '{"task/a": ["b/c"]}', "N": 1}
    assert tomllib.loads(to_toml(staged))["vars"] == staged["vars"]
