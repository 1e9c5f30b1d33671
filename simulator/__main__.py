"""`python -m simulator`: start the simulator, or print the table of behaviours."""

import argparse
import asyncio
import importlib.util
import signal
from collections.abc import Callable

from simulator.server import checked_loopback, listening
from simulator.table import table_markdown


def main() -> None:
    """Read the command line, and run until SIGINT or SIGTERM."""
    options = _options()
    if options.list:
        print(table_markdown())
        return
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(options.host, options.port, options.generation_delay_s))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="A simulated OpenRouter to develop and test against."
    )
    parser.add_argument("--host", type=checked_loopback, default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=9900, help="0 selects a free port")
    parser.add_argument(
        "--generation-delay-s",
        type=float,
        default=0,
        help="how long /generation does not find an answer, in seconds",
    )
    parser.add_argument("--list", action="store_true", help="print the table of behaviours and exit")
    return parser.parse_args()


async def _serve(host: str, port: int, generation_delay_s: float) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with listening(host, port, generation_delay_s) as url:
        print(f"simulator listening on {url}", flush=True)
        await stopped.wait()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if importlib.util.find_spec("uvloop") is None:  # optional: the simulator is slower without it
        return asyncio.new_event_loop
    faster: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    return faster


if __name__ == "__main__":
    main()
