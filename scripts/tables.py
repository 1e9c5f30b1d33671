"""`make tables`: write the documents' tables from the code; a test checks that they are up to date."""

from pathlib import Path

from gateway.faults.policy import RULES
from gateway.http.errors import KINDS
from gateway.http.log_events import EVENTS
from gateway.settings.table import SETTINGS
from gateway.settings.task_routes import DEFAULT_ROUTES
from scripts.dialect_sizes import sizes_table
from scripts.tools import ROOT

README = ROOT / "README.md"
ROUTING = ROOT / "docs" / "routing.md"
OPERATION = ROOT / "docs" / "operation.md"
ERRORS = ROOT / "docs" / "errors.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- settings: written by `make tables` -->\n", "<!-- /settings -->\n"
EVENTS_BEGIN, EVENTS_END = "<!-- events: written by `make tables` -->\n", "<!-- /events -->\n"
DIALECTS_BEGIN, DIALECTS_END = "<!-- dialects: written by `make tables` -->\n", "<!-- /dialects -->\n"
ROUTES_BEGIN, ROUTES_END = "<!-- routes: written by `make tables` -->\n", "<!-- /routes -->\n"


def settings_table() -> str:
    """Return the settings as a Markdown table."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, setting in SETTINGS.items():
        default = "secret" if setting.secret else f"`{setting.default}`" if setting.default else ""
        rows.append(f"| `{name}` | {default} | {setting.meaning} |")
    return "\n".join(rows) + "\n"


ERRORS_HEAD = """# Errors

For those who write clients or run the gateway. This page lists every error code, who is at fault, and
what the gateway does next. [shape.md](shape.md#errors) shows the fields of an error. `make tables` writes
this page from `src/gateway/faults/policy.py` and `src/gateway/http/errors.py`.

## Upstream errors

An attempt (one call to one model) ends with one of these codes. If no model answers, the request ends
with the code of the last attempt.

* **Source** says who is at fault.
* **Status** is what the caller gets, unless the upstream gave its own status.
* **Verdict** is what the gateway does next. `stop` ends the chain, because the next model would fail in
  the same way; if the account is at fault, models of another upstream are still tried. `fall_back` asks
  the next model. `retry` also asks the next model, and asks the same model again if no other is left
  (with `gateway.retry_first` before the next one). `gateway.stop_on` ends the chain at any code.
* **Billed** says whether the attempt may have cost something. If OpenRouter reported the cost, that
  counts.

`models_resting` means that the models that may still answer asked for a pause, and the request may not
wait that long (`max_wait_ms`).
`budget_in_flight` is about a budget of this gateway ([access.md](access.md#budgets)), `in_flight_budget`
about that of the OpenRouter account.

| code | source | status | verdict | billed | meaning |
|---|---|---|---|---|---|
"""
MESSAGES_HEAD = """
## The message

`error.message` says what to do, without the receipt.

If one model was asked, it has the meaning from the table above and the model's name. If several were asked or
skipped, it names each, and says why it did not answer:

```text
No model answered. sim/hang: no answer in 15 s; openai/gpt-4o: OpenRouter does not know this model (did you
mean openai/gpt-5.4-mini?); sim/text-only: it has no tools.
```

* It names six models at most, then says how many more there are. The code, the status and the advice are
  those of the last one that was asked.
* For a model that OpenRouter does not know it names listed models with a similar name that the key may use,
  if the isolate has the model list. `GET /v1/models/{author}/{slug}` does so too.
* In a stream that is cut off, the same line tells about the other models.

A request error says which field is wrong and what it must be. A body that is not JSON: the line, the column
and the kind of character there, never its text. A field that is there twice: which one, and in which field. A
wrong path: the right one, or all that are served. A wrong method: the right ones.

## The upstream's message

If the request or an account is at fault, `error.message` also repeats what the upstream said:

```text
The request is longer than the model's context (z-ai/glm-5.2). The upstream says: This model's maximum
context length is 32768 tokens. However, you requested 41220 tokens.
```

That applies to the statuses 400, 404, 413 and 422, to codes with the verdict `stop`, and to the codes of an
account. For every other fault the upstream's message is in the metadata only:

* `metadata.upstream` has the `message`, `code`, `provider` and `model` of the last attempt that failed. What
  the upstream did not say is null.
* Each entry of `metadata.errors` (`gateway.errors: "all"`) has the same under `upstream`.
* A failed attempt in the receipt has the first 200 characters as `message`. The header `x-gateway-receipt`
  does not have them.

The gateway reads the message from `error.message`. If that says only "Provider returned error", it reads
the provider's own from `error.metadata.raw`: a text, or an error of OpenAI, Anthropic or Google. It shows
one line of at most 500 characters:

* Control characters, characters that change the direction of text, and invisible ones are removed.
* `[redacted]` takes the place of what looks like a key, a token, an account's or user's ID, an e-mail
  address, or a URL with credentials. The same applies to each word with 10 characters of the key of the call.
* HTML is not shown, nor is JSON in a message. No other field of the upstream's body is shown.

An upstream may repeat a part of the prompt in its message. So only the caller of the failed request gets
it. It is in no log line, no row of the ledger, no alert, no header and no cached answer.
"""
REQUESTS_HEAD = """
## Request errors

These requests reached no model. `budget_spent` means that a budget is used up;
the message has the amounts, and when it resets.
[access.md](access.md) explains `agent_loop` and `session_budget_spent`.

| code | source | status |
|---|---|---|
"""


def errors_page() -> str:
    """Return the page of all error codes."""
    rules = [
        f"| `{code}` | {rule.source} | {rule.status} | {rule.verdict.value} | {rule.billed} "
        f"| {rule.message} |\n"
        for code, rule in RULES.items()
    ]
    kinds = [f"| `{code}` | {kind.source} | {kind.status} |\n" for code, kind in KINDS.items()]
    return ERRORS_HEAD + "".join(rules) + MESSAGES_HEAD + REQUESTS_HEAD + "".join(kinds)


def routes_table() -> str:
    """Return the default task routes as a Markdown table."""
    rows = ["| task | models | order | why |", "|---|---|---|---|"]
    for route in DEFAULT_ROUTES:
        models = ", ".join(f"`{model}`" for model in route.models)
        rows.append(f"| `{route.name}` | {models} | `{route.order}` | {route.reason} |")
    return "\n".join(rows) + "\n"


def with_settings(readme: str) -> str:
    """Return the README with the settings table between its markers."""
    return between(readme, BEGIN, END, settings_table())


def with_routes(page: str) -> str:
    """Return the routing page with the default routes between its markers."""
    return between(page, ROUTES_BEGIN, ROUTES_END, routes_table())


def events_table() -> str:
    """Return the log events as a Markdown table."""
    rows = ["| event | level | meaning |", "|---|---|---|"]
    rows += [f"| `{name}` | {event.level} | {event.meaning} |" for name, event in EVENTS.items()]
    return "\n".join(rows) + "\n"


def with_events(page: str) -> str:
    """Return the operation page with the log events between its markers."""
    return between(page, EVENTS_BEGIN, EVENTS_END, events_table())


def with_dialects(page: str) -> str:
    """Return the page on architecture with the sizes of the dialects between its markers."""
    return between(page, DIALECTS_BEGIN, DIALECTS_END, sizes_table())


def between(text: str, begin: str, end: str, table: str) -> str:
    """Return the text with the table between its markers."""
    before, _, after = text.partition(begin)
    return before + begin + table + end + after.partition(end)[2]


def main() -> None:
    """Write all tables."""
    write(README, with_settings(README.read_text(encoding="utf-8")))
    write(OPERATION, with_events(OPERATION.read_text(encoding="utf-8")))
    write(ROUTING, with_routes(ROUTING.read_text(encoding="utf-8")))
    write(ERRORS, errors_page())
    write(ARCHITECTURE, with_dialects(ARCHITECTURE.read_text(encoding="utf-8")))


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` if it differs from the file's content."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
