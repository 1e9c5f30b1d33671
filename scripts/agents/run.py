"""`make agents`: run coding agents with and without the gateway, and write docs/coding-agents.md's tables."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from scripts.agents.agent import Agent, Target, run_task
from scripts.agents.claude_code import CLAUDE_CODE
from scripts.agents.codex import CODEX
from scripts.agents.page import PAGE, commands_work, routes_in
from scripts.agents.report import Row, markers, table, upstream_calls, wait_for_end
from scripts.agents.situations import POOR_BUDGET_USD, POOR_KEY, Situation, routes, situations_of, task_of
from scripts.client_bench import Bench, bench
from scripts.setup_clients import set_up_coding_agents
from scripts.tables import between
from tests.support.runtimes import KEY, UPSTREAM_KEY

AGENTS = {agent.slug: agent for agent in (CLAUDE_CODE, CODEX)}


def run_coding_agents(slugs: Sequence[str] = tuple(AGENTS)) -> bool:
    """Run agents in all situations, and the page's commands; write the tables of those that went as expected.

    Returns:
        Whether all went as expected.
    """
    results = [_run_agent(AGENTS[slug]) for slug in slugs]  # all run, even if one fails
    return all(results)


def _run_agent(agent: Agent) -> bool:
    """Run an agent before a gateway of its own, whose models no other agent has made cool down."""
    with tempfile.TemporaryDirectory() as folder, _bench() as on:
        rows = _run_situations(agent, on, Path(folder))
        works = commands_work(agent, on, Path(folder))
    written = table(rows)
    print(f"\n{agent.name}\n{written}")
    failed = [row.situation.name for row in rows if row.with_gateway and not row.is_as_expected]
    for name in failed:
        print(f"FAILED  with the gateway, {agent.name} has not done its task: {name}")
    if failed or not works:
        return False
    PAGE.write_text(between(PAGE.read_text(encoding="utf-8"), *markers(agent), written), encoding="utf-8")
    return True


@contextmanager
def _bench() -> Iterator[Bench]:
    """Start a gateway with the routes of the situations and those of the page."""
    keys = [
        {"name": "agents", "token": KEY},
        {"name": "poor", "token": POOR_KEY, "budget": {"day_usd": POOR_BUDGET_USD}},
    ]
    task_routes = json.dumps(routes() | routes_in(PAGE.read_text(encoding="utf-8")))
    with bench(GATEWAY_KEYS=json.dumps(keys), TASK_ROUTES=task_routes) as on:
        yield on


def _run_situations(agent: Agent, on: Bench, folder: Path) -> list[Row]:
    """Return a row without and one with the gateway for each situation.

    Runs without the gateway take a minute each, in which the agent waits: they go on at the same time.
    """
    situations = situations_of(agent)
    with ThreadPoolExecutor(max_workers=len(situations)) as pool:
        alone: list[Future[Row]] = []
        for situation in situations:
            alone.append(pool.submit(_run_alone, agent, situation, on, folder))
            time.sleep(0.5)  # a start takes most of a second of CPU time
        behind = [_run_behind(agent, situation, on, folder) for situation in situations]
        return [row for pair in zip(alone, behind, strict=True) for row in (pair[0].result(), pair[1])]


def _run_alone(agent: Agent, situation: Situation, on: Bench, folder: Path) -> Row:
    target = Target(f"{on.simulator}/api", UPSTREAM_KEY, situation.alone)
    return _run(agent, situation, target, on, folder)


def _run_behind(agent: Agent, situation: Situation, on: Bench, folder: Path) -> Row:
    target = Target(on.gateway, POOR_KEY if situation.is_poor else KEY, task_of(situation))
    return _run(agent, situation, target, on, folder)


def _run(agent: Agent, situation: Situation, target: Target, on: Bench, folder: Path) -> Row:
    limit_s, is_flagging = situation.limit_s, situation.is_flagging
    outcome = run_task(agent, folder, target, limit_s=limit_s, is_flagging=is_flagging)
    ended_s = wait_for_end(on.simulator, outcome.session) if situation.leaves else None
    return Row(
        situation=situation,
        with_gateway=target.url == on.gateway,
        outcome=outcome,
        calls=len(upstream_calls(on.simulator, outcome.session)),
        ended_s=ended_s,
    )


def main() -> None:
    """Run the agents; exit with 1 unless all went as expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=AGENTS, help="one agent")
    only = parser.parse_args().only
    set_up_coding_agents()
    sys.exit(0 if run_coding_agents([only] if only else tuple(AGENTS)) else 1)


if __name__ == "__main__":
    main()
