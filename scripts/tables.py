"""`make tables`: write the tables that the documents take from the code; a test keeps them up to date."""

from pathlib import Path

from gateway.faults.policy import RULES
from gateway.http.errors import KINDS
from gateway.http.log_events import EVENTS
from gateway.settings.table import SETTINGS
from gateway.settings.task_routes import DEFAULT_ROUTES
from scripts.tools import ROOT

README = ROOT / "README.md"
ROUTING = ROOT / "docs" / "routing.md"
OPERATION = ROOT / "docs" / "operation.md"
ERRORS = ROOT / "docs" / "errors.md"
BEGIN, END = "<!-- settings: written by `make tables` -->\n", "<!-- /settings -->\n"
EVENTS_BEGIN, EVENTS_END = "<!-- events: written by `make tables` -->\n", "<!-- /events -->\n"
ROUTES_BEGIN, ROUTES_END = "<!-- routes: written by `make tables` -->\n", "<!-- /routes -->\n"


def settings_table() -> str:
    """Return the settings as a Markdown table."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, setting in SETTINGS.items():
        default = "secret" if setting.secret else f"`{setting.default}`" if setting.default else ""
        rows.append(f"| `{name}` | {default} | {setting.meaning} |")
    return "\n".join(rows) + "\n"


ERRORS_HEAD = """# Error codes

Written by `make tables` from `src/gateway/faults/policy.py` and `src/gateway/http/errors.py`.

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


def routes_table() -> str:
    """Return the default task routes as a Markdown table."""
    rows = ["| task | models | order | why |", "|---|---|---|---|"]
    for route in DEFAULT_ROUTES:
        models = ", ".join(f"`{model}`" for model in route.models)
        rows.append(f"| `{route.name}` | {models} | `{route.order}` | {route.reason} |")
    return "\n".join(rows) + "\n"


def with_settings(readme: str) -> str:
    """Return the README with the settings' table between its marks."""
    return _between(readme, BEGIN, END, settings_table())


def with_routes(page: str) -> str:
    """Return the page about routing with the default routes between its marks."""
    return _between(page, ROUTES_BEGIN, ROUTES_END, routes_table())


def events_table() -> str:
    """Return the events that are logged as a Markdown table."""
    rows = ["| event | level | meaning |", "|---|---|---|"]
    rows += [f"| `{name}` | {event.level} | {event.meaning} |" for name, event in EVENTS.items()]
    return "\n".join(rows) + "\n"


def with_events(page: str) -> str:
    """Return the page about operation with the events between its marks."""
    return _between(page, EVENTS_BEGIN, EVENTS_END, events_table())


def _between(text: str, begin: str, end: str, table: str) -> str:
    head, _, rest = text.partition(begin)
    return head + begin + table + end + rest.partition(end)[2]


def main() -> None:
    """Write all of them."""
    write(README, with_settings(README.read_text(encoding="utf-8")))
    write(OPERATION, with_events(OPERATION.read_text(encoding="utf-8")))
    write(ROUTING, with_routes(ROUTING.read_text(encoding="utf-8")))
    write(ERRORS, errors_page())


def write(path: Path, text: str) -> None:
    """Write ``text``, if it is not what is there."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
