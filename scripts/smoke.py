"""The smoke test of a gateway that is running: the few end-to-end tests that are safe and cheap anywhere."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence

from scripts.deploy.secrets import SMOKE_KEY, asker, smoke_key
from scripts.dev.ports import wait_until
from scripts.tools import ROOT
from scripts.wrangler import StepError

READY_S = 120.0
"""A first workers.dev address may take a while to be known everywhere."""


def command(url: str) -> tuple[str, ...]:
    """Return what tests the gateway at ``url``; the key goes in its environment."""
    return (sys.executable, "-m", "pytest", "-q", "tests/e2e", "-m", "smoke", "--base-url", url)


def run(url: str, key: str, environ: Mapping[str, str], *, ready_s: float = READY_S) -> None:
    """Wait until the gateway is there, and test it.

    Raises:
        StepError: it is not, or a test failed.
    """
    if not wait_until(lambda: _is_there(f"{url}/health"), timeout_s=ready_s, poll_s=1.0):
        raise StepError(f"{url}/health did not answer within {ready_s:.0f} s")
    if subprocess.run(command(url), cwd=ROOT, env={**environ, SMOKE_KEY: key}, check=False).returncode:
        raise StepError(f"the smoke test of {url} failed")


def _is_there(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # the URL that was deployed
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        # Ours, with a setting that is wrong: the tests say which. Cloudflare's own pages are no JSON.
        return error.headers.get_content_type() == "application/json"
    except OSError:
        return False


def main(arguments: Sequence[str]) -> None:
    """Test the gateway at the URL given."""
    url = arguments[0].rstrip("/") if arguments and arguments[0] else ""
    if not url.startswith(("https://", "http://")):
        sys.exit(
            "make smoke: say where the gateway is: make smoke URL=https://openrouter-edge.example.workers.dev"
        )
    try:
        run(url, smoke_key(os.environ, asker(os.environ)), os.environ)
    except StepError as error:
        sys.exit(f"make smoke: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
