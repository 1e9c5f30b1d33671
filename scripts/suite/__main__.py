"""Run every part, even after a failure; then print a summary."""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from scripts.suite.parts import FULL, QUICK, RESULTS, Part
from scripts.suite.results import Result, summary
from scripts.suite.run import how_far, run

LANES = 2
"""How many parts of each kind run at the same time. Two cores carry two that measure time, which often wait.
The others give way to these."""
NEWS_EVERY_S = 30.0


class Suite:
    """The parts that run now, and the results of those that are done."""

    def __init__(self) -> None:
        self.began_s = time.monotonic()
        self.results: dict[Part, Result] = {}
        self._running: list[Part] = []
        self._lock = threading.Lock()

    def run_all(self, parts: Iterable[Part]) -> None:
        """Run ``parts`` and print each result as it comes, with news in between."""
        with ThreadPoolExecutor(LANES) as servers, ThreadPoolExecutor(LANES) as others:
            waiting = {(servers if part.measures_time else others).submit(self._run, part) for part in parts}
            while waiting:
                done, waiting = wait(waiting, timeout=NEWS_EVERY_S, return_when=FIRST_COMPLETED)
                self._tell(done)

    def _run(self, part: Part) -> Result:
        with self._lock:
            self._running.append(part)
        try:
            return run(part)
        finally:
            with self._lock:
                self._running.remove(part)

    def _tell(self, done: Iterable[Future[Result]]) -> None:
        for result in [each.result() for each in done]:
            self.results[result.part] = result
            if not result.ok:
                print(f"--- {result.part.name}\n{result.output.strip()}\n", flush=True)
            print(result.line(), flush=True)
        if not done:
            print(f"      {self.news()}", flush=True)

    def news(self) -> str:
        """Return how long the suite has been running, and how far each running part is."""
        with self._lock:
            running = [*self._running]
        return f"{time.monotonic() - self.began_s:.0f} s: " + ", ".join(how_far(part) for part in running)


def main() -> None:
    """Run the parts, show the output of those that failed, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="lint, types and unit tests only")
    parts = QUICK if parser.parse_args().quick else FULL
    RESULTS.mkdir(parents=True, exist_ok=True)
    # An interrupt must not wait for the lanes: when this process exits, the leashes end all commands.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    suite = Suite()
    suite.run_all(parts)
    print(summary(suite.results[part] for part in parts))
    sys.exit(0 if all(result.ok for result in suite.results.values()) else 1)


if __name__ == "__main__":
    main()
