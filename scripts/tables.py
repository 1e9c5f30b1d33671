"""`make tables`: write the tables that the documents take from the code; a test keeps them up to date."""

from pathlib import Path

from gateway.config import SETTINGS
from gateway.errors import KINDS
from gateway.policy import RULES
from scripts.tools import ROOT

README = ROOT / "README.md"
ERRORS = ROOT / "docs" / "errors.md"
BEGIN, END = "<!-- settings: written by `make tables` -->\n", "<!-- /settings -->\n"


def settings_table() -> str:
    """Return the settings as a Markdown table."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, setting in SETTINGS.items():
        default = "secret" if setting.secret else f"`{setting.default}`" if setting.default else ""
        rows.append(f"| `{name}` | {default} | {setting.meaning} |")
    return "\n".join(rows) + "\n"


ERRORS_HEAD = """# Error codes

Written by `make tables` from `src/gateway/policy.py` and `src/gateway/errors.py`.

## Of an attempt, and of a chain that ended with it

*Verdict*: `stop` ends the chain, since the next model would meet the same; `fall_back` asks the next
model; `retry` does too, and asks the same one again where it is the last. The status is the upstream's own
where it gave one. *Billed*: whether such an attempt may have cost something, unless OpenRouter said what it
cost.

| code | source | status | verdict | billed | meaning |
|---|---|---|---|---|---|
"""
REQUESTS_HEAD = """
## Of a request that reached no model

| code | source | status |
|---|---|---|
"""


def errors_page() -> str:
    """Return the page that lists every error code."""
    rules = [
        f"| `{code}` | {rule.source} | {rule.status} | {rule.verdict.value} | {rule.billed} "
        f"| {rule.message} |\n"
        for code, rule in RULES.items()
    ]
    kinds = [f"| `{code}` | {kind.source} | {kind.status} |\n" for code, kind in KINDS.items()]
    return ERRORS_HEAD + "".join(rules) + REQUESTS_HEAD + "".join(kinds)


def with_settings(readme: str) -> str:
    """Return the README with the settings' table between its marks."""
    head, _, rest = readme.partition(BEGIN)
    return head + BEGIN + settings_table() + END + rest.partition(END)[2]


def main() -> None:
    """Write both."""
    write(README, with_settings(README.read_text(encoding="utf-8")))
    write(ERRORS, errors_page())


def write(path: Path, text: str) -> None:
    """Write ``text``, if it is not what is there."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
