import re
from pathlib import Path

import pytest

from gateway.routing.capability import CHECKS
from gateway.settings.options import ORDERS
from scripts import tables
from scripts.tools import ROOT

# The skip reasons in the code, except those of the catalogue's table.
_GIVEN = re.compile(r'reason="(\w+)"|\.skip\(candidate\.model, "(\w+)"')
REASONS = {reason for reason, _, _ in CHECKS} | {
    first or second
    for path in Path(ROOT, "src/gateway").rglob("*.py")
    for first, second in _GIVEN.findall(path.read_text(encoding="utf-8"))
}


def test_the_readmes_settings_table_is_up_to_date() -> None:
    readme = tables.README.read_text(encoding="utf-8")

    assert tables.with_settings(readme) == readme


def test_the_routing_pages_default_routes_are_up_to_date() -> None:
    page = tables.ROUTING.read_text(encoding="utf-8")

    assert tables.with_routes(page) == page


@pytest.mark.parametrize("reason", [*REASONS])
def test_the_routing_page_explains_every_skip_reason(reason: str) -> None:
    assert f"`{reason}`" in tables.ROUTING.read_text(encoding="utf-8")


@pytest.mark.parametrize("order", ORDERS)
def test_the_routing_page_explains_every_order(order: str) -> None:
    assert f"| `{order}` |" in tables.ROUTING.read_text(encoding="utf-8")


def test_the_error_page_is_up_to_date() -> None:
    assert tables.ERRORS.read_text(encoding="utf-8") == tables.errors_page()


def test_the_sizes_of_the_dialects_are_up_to_date() -> None:
    page = tables.ARCHITECTURE.read_text(encoding="utf-8")

    assert tables.with_dialects(page) == page
