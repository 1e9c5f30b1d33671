import re
from pathlib import Path

import pytest

from gateway.http.log_events import EVENTS, level_of
from scripts import tables
from scripts.tools import ROOT

# An event's name is the first argument of whatever writes the log.
_LOGGED = re.compile(r"""\b_?(?:log|write_log)\(\s*"(\w+)\"""")
LOGGED = {
    name
    for path in Path(ROOT, "src").rglob("*.py")
    for name in _LOGGED.findall(path.read_text(encoding="utf-8"))
}


def test_the_table_holds_every_event_that_is_logged_and_no_other() -> None:
    assert set(EVENTS) == LOGGED


@pytest.mark.parametrize("name", [*EVENTS])
def test_every_event_says_what_it_means(name: str) -> None:
    assert EVENTS[name].meaning.endswith(".")
    assert level_of(name) in {"info", "warn", "error"}


def test_an_event_that_nobody_listed_is_seen() -> None:
    assert level_of("new") == "error"


def test_the_page_about_operation_lists_the_events_as_they_are_in_the_code() -> None:
    page = tables.OPERATION.read_text(encoding="utf-8")

    assert tables.with_events(page) == page
