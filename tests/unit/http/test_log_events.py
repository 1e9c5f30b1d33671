import re
from pathlib import Path

import pytest

from gateway.http.log_events import EVENTS, level_of
from scripts import tables
from scripts.tools import ROOT

# The name of an event is the first argument of the functions that write the log.
_LOGGED = re.compile(r"""\b_?(?:log|write_log)\(\s*"(\w+)\"""")
LOGGED = {
    name
    for path in Path(ROOT, "src").rglob("*.py")
    for name in _LOGGED.findall(path.read_text(encoding="utf-8"))
}


def test_the_table_holds_exactly_the_events_that_are_logged() -> None:
    assert set(EVENTS) == LOGGED


@pytest.mark.parametrize("name", [*EVENTS])
def test_every_event_has_a_level_and_a_meaning(name: str) -> None:
    assert EVENTS[name].meaning.endswith(".")
    assert level_of(name) in {"info", "warn", "error"}


def test_an_event_that_is_not_in_the_table_is_an_error() -> None:
    assert level_of("new") == "error"


def test_the_table_of_events_in_the_operation_page_is_current() -> None:
    page = tables.OPERATION.read_text(encoding="utf-8")

    assert tables.with_events(page) == page
