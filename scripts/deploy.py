"""`make deploy`: the current wrangler's deploy, with the venv's Node. Further words are handed on to it."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.tools import ROOT, WRANGLER, node, tool_environment


def main() -> None:
    """Deploy, and end as wrangler does."""
    command: list[str | Path] = [node(), WRANGLER, "deploy", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False, env=tool_environment(os.environ)).returncode)


if __name__ == "__main__":
    main()
