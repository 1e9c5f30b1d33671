"""Filters the Worker's own lines out of wrangler's log."""

import re
from pathlib import Path

from scripts.dev.servers import plain_text

# Lines that wrangler itself prints once the Worker runs.
NOISE = re.compile(
    r"""^\s*$
    | ^\[wrangler(-UserWorker)?:\w+\]                           # its own remarks
    | ^Error:\ getaddrinfo\ \w+\ workers\.cloudflare\.com       # the network is not needed
    | ^\s+at\ .*\(node:\w+(/\w+)*:\d+:\d+\)$
    | ^\s+at\ (.*\((pyodide-internal:|wasm:)|\[object\ Object\])        # frames of Pyodide below a traceback
    | ^(Loading|Loaded)\s*$                                     # Pyodide
    | ^(Attaching\ additional\ modules:|⎔\ )
    | ^[┌├└│]                                                   # the table of modules, after each reload
    """,
    re.VERBOSE,
)


class Follower:
    """Reads a growing log; returns the Worker's lines that follow ``Ready on``."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._position = 0
        self._incomplete = ""
        self._ready = False

    def new_lines(self) -> list[str]:
        """Return the Worker's lines that were completed since the last call."""
        with self._log.open("rb") as file:
            file.seek(self._position)
            chunk = file.read()
        self._position += len(chunk)
        *lines, self._incomplete = (self._incomplete + chunk.decode("utf-8", errors="replace")).split("\n")
        return [line for line in map(plain_text, lines) if self._is_workers(line)]

    def _is_workers(self, line: str) -> bool:
        if not self._ready:
            self._ready = "Ready on" in line
            return False
        return not NOISE.match(line)
