"""`make agents`: run Claude Code with and without the gateway, and write docs/coding-agents.md's table."""

import json
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from scripts.agents.claude_code import command_directory, environment, run_task
from scripts.agents.report import BEGIN, END, Row, table, upstream_calls, wait_for_end
from scripts.agents.situations import POOR_BUDGET_USD, POOR_KEY, SITUATIONS, Situation, routes, task_of
from scripts.client_bench import Bench, bench
from scripts.recipes import ANSWER, URL, recipes
from scripts.recipes import KEY as KEY_IN_PAGE
from scripts.setup_clients import set_up_claude_code
from scripts.tables import between
from scripts.tools import ROOT
from tests.support.runtimes import KEY, UPSTREAM_KEY

PAGE = ROOT / "docs" / "coding-agents.md"
COMMANDS_LIMIT_S = 60.0


def run_coding_agents() -> bool:
    """Run all situations and the page's commands; write the table; return whether all went as expected."""
    page = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, _bench(page) as on:
        home = Path(folder)
        rows = _run_situations(on, home)
        commands_work = _run_commands(page, on, home)
    written = table(rows)
    print(f"\n{written}")
    failed = [row.situation.name for row in rows if row.with_gateway and not row.is_as_expected]
    for name in failed:
        print(f"FAILED  with the gateway, Claude Code has not done its task: {name}")
    if not commands_work:
        failed.append("commands")
    if not failed:
        PAGE.write_text(between(page, BEGIN, END, written), encoding="utf-8")
    return not failed


@contextmanager
def _bench(page: str) -> Iterator[Bench]:
    """Start a gateway with the routes of the situations and those of the page."""
    keys = [
        {"name": "agents", "token": KEY},
        {"name": "poor", "token": POOR_KEY, "budget": {"day_usd": POOR_BUDGET_USD}},
    ]
    task_routes = json.dumps(routes() | routes_in(page))
    with bench(GATEWAY_KEYS=json.dumps(keys), TASK_ROUTES=task_routes) as on:
        yield on


def routes_in(page: str) -> dict[str, object]:
    """Return the task routes that the page shows."""
    found: dict[str, object] = {}
    for block in page.split("```toml\n")[1:]:
        shown = tomllib.loads(block.partition("```")[0])
        found |= json.loads(shown["vars"]["TASK_ROUTES"])
    return found


def _run_situations(on: Bench, home: Path) -> list[Row]:
    """Return a row without and one with the gateway for each situation.

    Runs without the gateway take a minute each, in which Claude Code waits: they go on at the same time.
    """
    with ThreadPoolExecutor(max_workers=len(SITUATIONS)) as pool:
        alone: list[Future[Row]] = []
        for situation in SITUATIONS:
            alone.append(pool.submit(_run_alone, situation, on, home))
            time.sleep(0.5)  # a start takes most of a second of CPU time
        behind = [_run_behind(place, on, home) for place in range(len(SITUATIONS))]
        return [row for pair in zip(alone, behind, strict=True) for row in (pair[0].result(), pair[1])]


def _run_alone(situation: Situation, on: Bench, home: Path) -> Row:
    return _run(situation, situation.alone, on, home, environment(home, f"{on.simulator}/api", UPSTREAM_KEY))


def _run_behind(place: int, on: Bench, home: Path) -> Row:
    situation = SITUATIONS[place]
    return _run(situation, task_of(place), on, home, environment(home, on.gateway, situation.key))


def _run(situation: Situation, model: str, on: Bench, home: Path, environ: dict[str, str]) -> Row:
    outcome = run_task(home, environ, model, limit_s=situation.limit_s, mode=situation.mode)
    ended_s = wait_for_end(on.simulator, outcome.session) if situation.leaves else None
    return Row(
        situation=situation,
        with_gateway=environ["ANTHROPIC_BASE_URL"] == on.gateway,
        outcome=outcome,
        calls=len(upstream_calls(on.simulator, outcome.session)),
        ended_s=ended_s,
    )


def _run_commands(page: str, on: Bench, home: Path) -> bool:
    """Run the page's commands in one shell; return whether all worked, and each question had its answer."""
    code = "\n".join(each.code for each in recipes(page) if each.language == "sh")
    environ = environment(home, "", "")
    environ["PATH"] = f"{command_directory(home)}:{environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", code.replace(URL, on.gateway).replace(KEY_IN_PAGE, KEY)],
        env=environ,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMANDS_LIMIT_S,
        check=False,
    )
    if done.returncode == 0 and done.stdout.count(ANSWER) == code.count("claude -p"):
        return True
    print(f"FAILED  the commands of {PAGE.name} (status {done.returncode}):\n{done.stdout}")
    return False


def main() -> None:
    """Run Claude Code; exit with 1 unless all went as expected."""
    set_up_claude_code()
    sys.exit(0 if run_coding_agents() else 1)


if __name__ == "__main__":
    main()
