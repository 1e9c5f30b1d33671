"""The settings of a development Worker: from make's command line, the environment, .dev.vars and .env."""

import re
from collections.abc import Mapping
from pathlib import Path

FILES = (".dev.vars", ".env")  # the first that has a setting wins

# One NAME=value of a dotenv file: without quotes on one line, or in ', " or ` over any number of lines.
_ASSIGNMENT = re.compile(
    r"""^\s*(?:export\s+)?(?P<name>[\w.-]+)\s*=[ \t]*
        (?P<value>'[^']*'|"(?:\\"|[^"])*"|`[^`]*`|[^\#\r\n]*)[ \t]*(?:\#.*)?$""",
    re.MULTILINE | re.VERBOSE,
)


def read_dotenv(text: str) -> dict[str, str]:
    """Return the assignments of a dotenv file, by wrangler's rules."""
    return {match["name"]: _unquote(match["value"].strip()) for match in _ASSIGNMENT.finditer(text)}


def _unquote(value: str) -> str:
    if len(value) < 2 or value[0] not in "'\"`" or value[-1] != value[0]:
        return value
    inner = value[1:-1]
    # Escapes count in double quotes only, and only those of line ends.
    return inner.replace("\\n", "\n").replace("\\r", "\r") if value[0] == '"' else inner


def quote_dotenv(value: str) -> str:
    """Return ``value`` quoted for a dotenv file.

    Raises:
        ValueError: it contains all three kinds of quotes, so none of them can enclose it.
    """
    for quote in "'`":
        if quote not in value:
            return f"{quote}{value}{quote}"
    if '"' in value or "\\" in value:
        raise ValueError("a secret cannot hold all of ' \" ` at once")
    return f'"{value}"'


def command_line_names(makeflags: str) -> tuple[str, ...]:
    """Return the names of the ``NAME=value`` words on make's command line, which MAKEFLAGS contains."""
    words = re.findall(r"(?:\\.|[^\s\\])+", makeflags)  # a backslash escapes a space within a word
    assignments = words[words.index("--") + 1 :] if "--" in words else []
    return tuple(word.partition("=")[0].rstrip(":+?") for word in assignments if "=" in word)


def unknown_names(names: tuple[str, ...], known: frozenset[str]) -> tuple[str, ...]:
    """Return those of ``names`` that are not in ``known``, in order."""
    return tuple(name for name in names if name not in known)


def given_settings(root: Path, environ: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    """Return the user's settings: from the environment (with make's command line), .dev.vars, then .env."""
    given: dict[str, str] = {}
    for file in reversed(FILES):
        path = root / file
        given |= read_dotenv(path.read_text(encoding="utf-8")) if path.is_file() else {}
    given |= environ
    return {name: given[name] for name in sorted(names) if name in given}
