import pytest

from scripts import clients
from scripts.client_bench import Line


def line(column: str = "plain", outcome: str = "passed", remark: str = "") -> Line:
    return {
        "table": "texts",
        "client": "c",
        "version": "1",
        "column": column,
        "outcome": outcome,
        "remark": remark,
    }


def test_a_cell_has_the_worst_result_and_each_reason_once() -> None:
    wrong = line(outcome="no", remark="it reads an integer")
    assert clients.cell([line(), wrong, wrong]) == "no: it reads an integer"
    assert clients.cell([line(), wrong, line(outcome="failed")]).startswith("FAILED")
    assert clients.cell([line(), line(outcome="skipped", remark="no such field")]) == "n/a: no such field"
    assert clients.cell([line(), line(remark="with retries off")]) == "yes, with retries off"
    assert clients.cell([line()]) == "yes"


@pytest.mark.parametrize("name", clients.TABLES)
def test_a_client_without_a_test_for_a_column_is_an_error(name: str) -> None:
    *tested, last = clients.TABLES[name]
    with pytest.raises(ValueError, match=f"c has no test for {last}"):
        clients.table(name, [{**line(column), "table": name} for column in tested])


def test_a_row_has_every_column_and_replaces_the_text_between_the_markers() -> None:
    columns = clients.TABLES["texts"]
    table = clients.table("texts", [line(column) for column in columns])
    assert table.endswith(f"| c | 1 |{' yes |' * len(columns)}\n")
    begin, end = clients.markers("texts")
    readme = f"before {begin}old{end} after"
    assert clients.with_tables(readme, {"texts": table}) == f"before {begin}{table}{end} after"


def test_a_result_is_in_its_own_table_only() -> None:
    elsewhere = {**line("one text"), "table": "vectors"}
    assert "c" not in [cell.strip() for cell in clients.table("texts", [elsewhere]).split("|")]
