"""`make lock`: rewrite the hashed requirement files and the package-lock.json files."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.tools import ROOT, node, tool_environment

# Each dependency group, and the lowest Python version that it must install on.
GROUPS = {"dev": "3.11", "worker-sdk": "3.12", "pywrangler": "3.12", "clients": "3.11", "gateways": "3.11"}
NPM_PROJECTS = (
    ROOT,
    ROOT / "tests" / "clients" / "node",
    ROOT / "tests" / "clients" / "claude_code",
    ROOT / "tests" / "clients" / "codex",
    ROOT / "bench" / "compare" / "node",
)


def main() -> None:
    """Resolve every Python group, then npm's packages."""
    for group, python in GROUPS.items():
        options = ["--group", group, "--universal", "--python-version", python, "--generate-hashes"]
        options += [
            "--no-emit-index-url",
            "--no-header",
            "--quiet",
            "--output-file",
            f"requirements/{group}.txt",
        ]
        subprocess.run([sys.executable, "-m", "uv", "pip", "compile", *options], cwd=ROOT, check=True)
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command: list[str | Path] = [node(), npm, "install", "--package-lock-only", "--ignore-scripts"]
    for project in NPM_PROJECTS:
        subprocess.run(command, cwd=project, check=True, env=tool_environment(os.environ))


if __name__ == "__main__":
    main()
