import re
from pathlib import Path

import pytest

from gateway.routing.capability import CHECKS
from gateway.settings.options import ORDERS
from scripts import tables
from scripts.tools import ROOT

# Those of the catalogue's table, and whatever else the code gives as a reason.
_GIVEN = re.compile(r'reason="(\w+)"|\.skip\(candidate\.model, "(\w+)"')
REASONS = {reason for reason, _, _ in CHECKS} | {
    first or second
    for path in Path(ROOT, "src/gateway").rglob("*.py")
    for first, second in _GIVEN.findall(path.read_text(encoding="utf-8"))
}


def test_the_readme_holds_the_settings_as_they_are_in_the_code() -> None:
    readme = tables.README.read_text(encoding="utf-8")

    assert tables.with_settings(readme) == readme


def test_the_page_about_routing_holds_the_default_routes_as_they_are_in_the_code() -> None:
    page = tables.ROUTING.read_text(encoding="utf-8")

    assert tables.with_routes(page) == page


@pytest.mark.parametrize("reason", [*REASONS])
def test_the_page_about_routing_explains_every_reason_for_leaving_a_model_out(reason: str) -> None:
    assert f"`{reason}`" in tables.ROUTING.read_text(encoding="utf-8")


@pytest.mark.parametrize("order", ORDERS)
def test_the_page_about_routing_explains_every_order(order: str) -> None:
    assert f"| `{order}` |" in tables.ROUTING.read_text(encoding="utf-8")


def test_the_error_page_lists_the_codes_as_they_are_in_the_code() -> None:
    assert tables.ERRORS.read_text(encoding="utf-8") == tables.errors_page()
