"""Checks of the page on coding agents, and of its tables, that need no agent; `make agents` runs them."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from gateway.settings.settings import Settings
from scripts.agents.agent import Agent, Outcome, Target
from scripts.agents.claude_code import CLAUDE_CODE
from scripts.agents.codex import CODEX, config_file
from scripts.agents.page import PAGE, routes_in, section_of
from scripts.agents.report import MAX_SAID, Row, markers, table
from scripts.agents.run import AGENTS
from scripts.agents.situations import SITUATIONS, Situation, routes, situations_of, task_of
from scripts.recipes import KEY, URL, blocks, recipes
from tests.support.world import ENV

TEXT = PAGE.read_text(encoding="utf-8")
SITUATION = Situation("it fails", "sim/status-500", ("sim/status-500", "sim/coder"), finishes=True)
TARGET = Target(URL, KEY, "task/code")
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


@pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
def test_the_table_of_an_agent_has_every_situation_that_it_can_be_in(agent: Agent) -> None:
    begin, end = markers(agent)
    written = section_of(agent, TEXT).partition(begin)[2].partition(end)[0]
    named = [line.split("|")[1].strip() for line in written.splitlines()[2:]]

    assert [name for name in named if name] == [each.name for each in situations_of(agent)]


@pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
def test_the_section_of_an_agent_asks_at_least_two_questions(agent: Agent) -> None:
    assert "".join(each.code for each in blocks(section_of(agent, TEXT))).count(agent.question) >= 2


def test_codex_is_not_asked_for_what_only_claude_code_can_do() -> None:
    flagging = {each.name for each in SITUATIONS if each.is_flagging}

    assert flagging
    assert {each.name for each in situations_of(CLAUDE_CODE)} >= flagging
    assert {each.name for each in situations_of(CODEX)}.isdisjoint(flagging)


def test_the_settings_of_the_page_for_codex_are_those_of_its_runs_or_have_a_command(tmp_path: Path) -> None:
    CODEX.environment(tmp_path, TARGET)
    run = tomllib.loads(config_file(tmp_path).read_text(encoding="utf-8"))
    shown = [tomllib.loads(each.code) for each in blocks(section_of(CODEX, TEXT)) if each.language == "toml"]
    by_variable, by_command = (each for each in shown if "vars" not in each)

    assert {**run, **by_variable} == run
    provider = by_command["model_providers"]["gateway"]
    assert ("auth" in provider, "env_key" in provider) == (True, False)


def test_each_situation_has_a_valid_route() -> None:
    settings = Settings.from_env({**ENV, "TASK_ROUTES": json.dumps(routes())}.get)

    for situation in SITUATIONS:
        assert settings.task_routes[task_of(situation)].models == tuple(situation.chain)


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


def lines(*events: object) -> str:
    return "".join(f"{json.dumps(event)}\n" for event in events)


def message_of_codex(text: str) -> dict[str, object]:
    return {"type": "item.completed", "item": {"type": "agent_message", "text": text}}


RESULT = {"type": "result", "result": "Done."}
FAILED_TURN = {"type": "turn.failed", "error": {"message": "No."}}
SAID: dict[str, tuple[Agent, str, str]] = {
    "Claude Code: a result": (CLAUDE_CODE, 'warning {"a": 1}\n' + lines(RESULT), "Done."),
    "Claude Code: a line that was cut": (CLAUDE_CODE, lines(RESULT) + '{"half', "Done."),
    "Claude Code: no result": (CLAUDE_CODE, "not JSON\n", ""),
    "Codex: the last message": (
        CODEX,
        lines(message_of_codex("A"), message_of_codex("B"), {"type": "x"}),
        "B",
    ),
    "Codex: a failed turn": (CODEX, lines(message_of_codex("A"), FAILED_TURN), "No."),
    "Codex: no message": (CODEX, lines({"type": "turn.started"}), ""),
}


@pytest.mark.parametrize(("agent", "output", "said"), SAID.values(), ids=SAID)
def test_what_the_user_reads_is_the_last_thing_said_in_the_output(
    agent: Agent, output: str, said: str
) -> None:
    assert agent.said_in(output) == said


def test_the_calls_of_a_session_are_found_by_the_id_that_its_agent_sends() -> None:
    begun = lines({"type": "thread.started", "thread_id": "t"})

    assert CODEX.session_in(begun, "given") == "t"
    assert CODEX.session_in("", "given") == "given"
    assert CLAUDE_CODE.session_in(begun, "given") == "given"


@pytest.mark.parametrize("agent", AGENTS.values(), ids=AGENTS)
def test_an_agent_gets_nothing_of_this_machines_environment(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CONFIG_DIR", "OPENAI_API_KEY", "CODEX_HOME"):
        monkeypatch.setenv(name, "canary")

    given = agent.environment(tmp_path, TARGET)

    assert "canary" not in given.values()
    assert given["HOME"] == str(tmp_path)
    assert KEY in given.values()


def test_every_variable_of_the_page_is_set_in_one_of_its_commands() -> None:
    named = set(re.findall(r"`((?:CLAUDE_CODE|ANTHROPIC)_[A-Z_]+)(?:=\w+)?`", TEXT))

    assert {name for name in named if f"{name}=" not in "".join(COMMANDS)} == set()
