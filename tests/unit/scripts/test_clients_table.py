import pytest

from scripts import clients
from scripts.client_bench import Line


def line(column: str = "plain", outcome: str = "passed", remark: str = "") -> Line:
    return {"client": "c", "version": "1", "column": column, "outcome": outcome, "remark": remark}


def test_a_cell_has_the_worst_result_and_each_reason_once() -> None:
    wrong = line(outcome="no", remark="it reads an integer")
    assert clients.cell([line(), wrong, wrong]) == "no: it reads an integer"
    assert clients.cell([line(), wrong, line(outcome="failed")]).startswith("FAILED")
    assert clients.cell([line(), line(outcome="skipped", remark="no such field")]) == "n/a: no such field"
    assert clients.cell([line(), line(remark="with retries off")]) == "yes, with retries off"
    assert clients.cell([line()]) == "yes"


def test_a_client_without_a_test_for_a_column_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"c has no test for models"):
        clients.table(line(column) for column in clients.COLUMNS[:-1])


def test_a_row_has_every_column_and_replaces_the_text_between_the_markers() -> None:
    table = clients.table(line(column) for column in clients.COLUMNS)
    assert table.endswith(f"| c | 1 |{' yes |' * len(clients.COLUMNS)}\n")
    readme = f"before {clients.BEGIN}old{clients.END} after"
    assert clients.with_table(readme, table) == f"before {clients.BEGIN}{table}{clients.END} after"
