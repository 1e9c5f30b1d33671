"""Finds the lines that the Worker's log must not contain."""

import re
from collections.abc import Iterable, Iterator

FAULT = re.compile(
    r"unhandled|uncaught|internal_error|traceback|\bhung\b|fatal error|memoryerror"
    r"|never retrieved|never awaited|task was destroyed",
    re.IGNORECASE,
)
# These lines come from the 2024 runtime itself. Only an abort, a cut-off or a client that leaves causes them:
# it logs that a client has left; it rejects promises of a pipe's streams in addition to the pipe's own; and
# its Pyodide completes futures that were cancelled in the meantime.
RUNTIMES_OWN = re.compile(
    r"^workerd/server/server\.c\+\+:\d+: error: \S.*: disconnected: (worker_do_not_log; |::(read|writev?)\()"
    r"|^UNHANDLED rejection: (Error: Network connection lost\.|AbortError: The operation was aborted"
    r"|PythonError: asyncio\.exceptions\.InvalidStateError: invalid state)$"
)


def faults_in(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that report an unhandled fault or a request that hung."""
    for line in lines:
        if FAULT.search(line) and not RUNTIMES_OWN.match(line.strip()):
            yield line.strip()
