"""Checks of the page on coding agents, and of its table, that need no Claude Code; `make agents` runs it."""

import json
import re
from pathlib import Path

import pytest

from gateway.settings.settings import Settings
from scripts.agents.claude_code import Outcome, environment, said_in
from scripts.agents.report import BEGIN, END, MAX_SAID, Row, table
from scripts.agents.run import PAGE, routes_in
from scripts.agents.situations import SITUATIONS, Situation, routes, task_of
from scripts.recipes import KEY, URL, recipes
from tests.support.world import ENV

TEXT = PAGE.read_text(encoding="utf-8")
SITUATION = Situation("it fails", "sim/status-500", ("sim/status-500", "sim/coder"), finishes=True)
COMMANDS = [each.code for each in recipes(TEXT) if each.language == "sh"]


def row(
    status: int | None = 0, *, did_task: bool = True, said: str = "Done.", calls: int = 4, **fields: object
) -> Row:
    outcome = Outcome(session="s", seconds=60.2, status=status, did_task=did_task, said=said)
    return Row(SITUATION, with_gateway=True, outcome=outcome, calls=calls, **fields)  # type: ignore[arg-type]  # ended_s


def cells(shown: Row) -> list[str]:
    return [cell.strip() for cell in table([shown]).splitlines()[-1].split("|")[1:-1]]


def test_the_page_begins_with_five_lines_whose_address_and_key_a_run_can_replace() -> None:
    lines = COMMANDS[0].splitlines()

    assert len(lines) == 5
    assert f"ANTHROPIC_BASE_URL={URL} " in lines[0]
    assert lines[1].endswith(f"ANTHROPIC_AUTH_TOKEN={KEY}")
    assert lines[2].endswith('ANTHROPIC_API_KEY=""')


def test_the_settings_of_the_page_are_valid() -> None:
    (keys,) = [each.code for each in recipes(TEXT) if each.language == "json"]
    env = {**ENV, "TASK_ROUTES": json.dumps(routes_in(TEXT)), "GATEWAY_KEYS": keys.strip()}
    settings = Settings.from_env(env.get)

    assert settings.task_routes["task/code"].models[0].startswith("~anthropic/")
    assert settings.task_routes["task/background"].when
    assert [key.name for key in settings.gateway_keys] == ["ann"]


def test_the_table_of_the_page_has_every_situation() -> None:
    written = TEXT.partition(BEGIN)[2].partition(END)[0]
    named = [line.split("|")[1].strip() for line in written.splitlines()[2:]]

    assert [name for name in named if name] == [each.name for each in SITUATIONS]


def test_each_situation_has_a_valid_route() -> None:
    settings = Settings.from_env({**ENV, "TASK_ROUTES": json.dumps(routes())}.get)

    for place, situation in enumerate(SITUATIONS):
        assert settings.task_routes[task_of(place)].models == tuple(situation.chain)


def test_a_run_that_ended_shows_its_calls_its_seconds_and_what_the_user_reads() -> None:
    assert cells(row(said="A\nB | C at 127.0.0.1:4711")) == [
        "", "yes", "done", "4", "60", "0", "A B \\", "C at localhost:8787"
    ]  # fmt: skip  # the bar is escaped


def test_a_run_that_was_ended_says_that_there_might_have_been_more_calls() -> None:
    shown = cells(row(None, did_task=False, said="", calls=7))

    assert shown[2:6] == ["not done", "more than 6", "more than 60", ""]


def test_a_long_text_is_cut() -> None:
    assert len(cells(row(said="word " * 100))[-1]) <= MAX_SAID + 1


def test_a_task_that_must_be_done_and_is_not_fails_the_run() -> None:
    assert row().is_as_expected
    assert not row(1, did_task=False).is_as_expected


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ('warning {"a": 1}\n{"type": "result", "result": "Done."}\n', "Done."),
        ('{"type": "result", "result": "Done."}\n{"half', "Done."),
        ("not JSON\n", ""),
        ("", ""),
    ],
)
def test_what_the_user_reads_is_the_last_result_in_the_output(output: str, said: str) -> None:
    assert said_in(output) == said


def test_claude_code_gets_nothing_of_this_machines_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "canary")

    given = environment(tmp_path, URL, KEY)

    assert "canary" not in given.values()
    assert given["HOME"] == str(tmp_path)


def test_every_variable_of_the_page_is_set_in_one_of_its_commands() -> None:
    named = set(re.findall(r"`((?:CLAUDE_CODE|ANTHROPIC)_[A-Z_]+)(?:=\w+)?`", TEXT))

    assert {name for name in named if f"{name}=" not in "".join(COMMANDS)} == set()
