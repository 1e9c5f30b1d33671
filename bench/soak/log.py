"""What the Worker's log must not hold."""

import re
from collections.abc import Iterable, Iterator

FAULT = re.compile(
    r"unhandled|uncaught|internal_error|traceback|\bhung\b|fatal error|memoryerror"
    r"|never retrieved|never awaited|task was destroyed",
    re.IGNORECASE,
)
# What is taken for the 2024 runtime's own, since only an abort, a cut or a client that leaves brings it: it
# notes that a client has left; promises of a pipe's streams are broken beside the pipe's own; and its Pyodide
# settles what was cancelled meanwhile.
RUNTIMES_OWN = re.compile(
    r"^workerd/server/server\.c\+\+:\d+: error: \S.*: disconnected: (worker_do_not_log; |::(read|writev?)\()"
    r"|^UNHANDLED rejection: (Error: Network connection lost\.|AbortError: The operation was aborted"
    r"|PythonError: asyncio\.exceptions\.InvalidStateError: invalid state)$"
)


def faults_in(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that tell of a fault that nobody handled, or of a request that hung."""
    for line in lines:
        if FAULT.search(line) and not RUNTIMES_OWN.match(line.strip()):
            yield line.strip()
