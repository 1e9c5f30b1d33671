"""Runs the recipes of docs/recipes.md unchanged, except for the address and the key."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.setup_clients import NODE_TESTS, PYTHON
from scripts.tools import ROOT, node

PAGE = ROOT / "docs" / "recipes.md"
URL, KEY = "http://localhost:8787", "YOUR_KEY"
ANSWER = "Canberra"
TIMEOUT_S = 60.0
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """One code block: its place in the page, and its language."""

    line: int
    language: str
    code: str


def blocks(page: str) -> Iterable[Recipe]:
    """Yield the code blocks."""
    for block in _BLOCK.finditer(page):
        yield Recipe(page.count("\n", 0, block.start()) + 2, block["language"], block["code"])


def recipes(page: str) -> Iterable[Recipe]:
    """Yield the code blocks that can be run. Blocks in TOML cannot: they are settings."""
    return (block for block in blocks(page) if block.language != "toml")


def run(environ: Mapping[str, str], *, url: str, key: str) -> bool:
    """Run all recipes against a gateway; return whether each one printed the answer."""
    failed = False
    for recipe in recipes(PAGE.read_text(encoding="utf-8")):
        printed = output(recipe.code.replace(URL, url).replace(KEY, key), recipe.language, environ)
        if ANSWER not in "".join(re.findall(r"\w+", printed)):  # a stream prints it in pieces
            failed = True
            print(f"FAILED  recipe at {PAGE.name}:{recipe.line}:\n{printed}")
    return not failed


def output(code: str, language: str, environ: Mapping[str, str]) -> str:
    """Return everything that a block prints, on stderr too."""
    commands: Mapping[str, list[str | Path]] = {
        "python": [PYTHON, "-"],
        "js": [node(), "--input-type=module", "-"],
        "sh": ["bash", "-e", "-s"],
    }
    with tempfile.TemporaryDirectory() as home:  # llm stores its models and keys in it
        done = subprocess.run(
            commands[language],
            input=code,
            env={
                **environ,
                "LLM_USER_PATH": home,
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "PATH": f"{PYTHON.parent}{os.pathsep}{environ['PATH']}",
            },
            cwd=NODE_TESTS,  # where Node finds its packages
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    return (
        done.stdout
        if done.returncode == 0
        else f"status {done.returncode}\n{done.stdout.replace(ANSWER, '')}"
    )
