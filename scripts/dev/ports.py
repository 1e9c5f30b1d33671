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


def wait_while_alive(
    condition: Callable[[], bool], progress: Callable[[], object], *, stall_s: float, poll_s: float = 0.05
) -> bool:
    """Poll ``condition`` until it is true; return whether it was.

    There is no limit for the whole: a busy machine may need any time.

    Args:
        condition: what is waited for.
        progress: its value changes as long as there is progress.
        stall_s: how long the value may stay the same.
        poll_s: the time between two polls.
    """
    last, changed_s = progress(), time.monotonic()
    while not condition():
        if (now := progress()) != last:
            last, changed_s = now, time.monotonic()
        elif time.monotonic() - changed_s >= stall_s:
            return False
        time.sleep(poll_s)
    return True
