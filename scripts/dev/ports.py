"""Loopback ports: find a free one, and wait until a server answers on one."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Return whether something listens on ``port`` of the loopback addresses."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def answers(url: str, *, timeout_s: float) -> bool:
    """Return whether ``url`` gives any HTTP response, whatever its status."""
    try:
        urllib.request.urlopen(url, timeout=timeout_s).close()  # noqa: S310  # our own loopback URL
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], bool], *, timeout_s: float, poll_s: float = 0.05) -> bool:
    """Poll ``condition`` until it is true, for at most ``timeout_s``; return whether it was."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(poll_s)
    return True
