"""`make smoke`: test a running gateway with the few end-to-end tests that are safe and cheap anywhere."""

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
"""A new workers.dev address may take a while until DNS knows it everywhere."""


def command(url: str) -> tuple[str, ...]:
    """Return the command that tests the gateway at ``url``; the environment must have the key."""
    return (sys.executable, "-m", "pytest", "-q", "tests/e2e", "-m", "smoke", "--base-url", url)


def run(url: str, key: str, environ: Mapping[str, str], *, ready_s: float = READY_S) -> None:
    """Wait until the gateway answers, then test it.

    Raises:
        StepError: it did not answer within ``ready_s`` seconds, or a test failed.
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
        # A gateway with a wrong setting counts too: the tests name it. Cloudflare's error pages are not JSON.
        return error.headers.get_content_type() == "application/json"
    except OSError:
        return False


def main(arguments: Sequence[str]) -> None:
    """Test the gateway at the given URL."""
    url = arguments[0].rstrip("/") if arguments and arguments[0] else ""
    if not url.startswith(("https://", "http://")):
        sys.exit(
            "make smoke: needs the gateway's URL: make smoke URL=https://openrouter-edge.example.workers.dev"
        )
    try:
        run(url, smoke_key(os.environ, asker(os.environ)), os.environ)
    except StepError as error:
        sys.exit(f"make smoke: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
