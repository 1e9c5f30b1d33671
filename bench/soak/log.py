"""What the Worker's log must not hold."""

import re
from collections.abc import Iterable, Iterator

FAULT = re.compile(
    r"unhandled|uncaught|internal_error|Traceback|\bhung\b|fatal error|MemoryError", re.IGNORECASE
)
# The runtime's own note that a client has left it, which no Worker can prevent.
LEFT = re.compile(
    r"^workerd/server/server\.c\+\+:\d+: error: \S.*: disconnected: "
    r"(worker_do_not_log; |::write\(|::writev\()"
)


def faults_in(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines that tell of a fault that nobody handled, or of a request that hung."""
    for line in lines:
        if FAULT.search(line) and not LEFT.match(line):
            yield line.strip()
