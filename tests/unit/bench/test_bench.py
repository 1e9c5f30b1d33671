"""The bench's arithmetic and its table."""

from collections.abc import Mapping, Sequence

import pytest

from bench.__main__ import arguments
from bench.aims import Target, targets
from bench.contenders import Kind, config_of, modules_of
from bench.core_costs import measured
from bench.figures import Series, difference, median_of, percentile, ratio
from bench.report import Cell, costs_table, row, table
from bench.timing import Cost, micros


def series(per_s: float = 100.0, p50_ms: float = 1.0, **more: float) -> Series:
    return Series(per_s=per_s, p50_ms=p50_ms, p99_ms=p50_ms * 3, cpu_ms=more.pop("cpu_ms", 0.5), **more)


def results(**per_s: float) -> Mapping[Cell, Sequence[Series]]:
    kinds: dict[str, Kind] = {
        "js": "javascript",
        "py": "python",
        "reading": "python reading",
        "gateway": "gateway",
    }
    return {
        Cell("small", 32, kinds[name]): [series(value, 1000 / value)] * 3 for name, value in per_s.items()
    }


def aims(measured: Mapping[Cell, Sequence[Series]]) -> dict[str, Target]:
    found = targets(measured, small="small", fallback="fallback", paced="paced", flat="flat")
    return {each.name.partition(":")[0]: each for each in found}


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 50, 7.0),
        ([7.0], 99, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 99, 4.0),
        ([float(each) for each in range(1, 101)], 99, 99.0),
        ([float(each) for each in range(1, 201)], 99, 198.0),
        ([1.0, 2.0], 0, 1.0),
    ],
)
def test_a_percentile_is_the_value_at_the_nearest_rank(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_ratio_is_taken_within_each_round() -> None:
    mine, others = (
        [series(50), series(5), series(60)],
        [series(100), series(10), series(100)],
    )  # one slow round

    assert ratio(mine, others, "per_s") == 0.5


def test_a_difference_is_taken_within_each_round() -> None:
    mine, others = (
        [series(p50_ms=3), series(p50_ms=33), series(p50_ms=4)],
        [series(p50_ms=1), series(p50_ms=30), series(p50_ms=1)],
    )

    assert difference(mine, others, "p50_ms") == 3


def test_an_unmeasured_number_is_none_and_not_zero() -> None:
    plain = [series(), series()]

    assert median_of(plain, "first_event_ms") is None
    assert ratio(plain, plain, "events_per_s") is None
    assert difference(plain, plain, "first_event_ms") is None
    assert ratio([], [], "per_s") is None


def test_a_median_uses_the_rounds_that_have_the_number() -> None:
    rounds = [series(first_event_ms=2), series(), series(first_event_ms=4)]

    assert median_of(rounds, "first_event_ms") == 3


def test_a_line_of_the_table_compares_with_each_worker_that_is_not_a_gateway() -> None:
    measured = results(js=1000, py=500, reading=400, gateway=250)

    found = row(measured, Cell("small", 32, "gateway"))

    assert found == (
        "gateway",
        "250",
        "4.00",
        "12.00",
        "3.00",
        "9.00",
        "-",
        "-",
        "0.50",
        "0.25",
        "0.50",
        "0.62",
    )


def test_a_contender_without_others_has_no_ratios() -> None:
    found = row({Cell("alone", 1, "gateway"): [series()]}, Cell("alone", 1, "gateway"))

    assert found[4] == found[5] == found[-2] == found[-1] == "-"


def test_the_table_has_a_block_per_scenario_and_number_of_connections() -> None:
    measured = {**results(js=1000, gateway=250), Cell("other", 1, "gateway"): [series()]}

    lines = table(measured).splitlines()

    assert [line for line in lines if line and not line.startswith(" ")] == [
        "small; 32 at once",
        "other; 1 at once",
    ]
    assert sum(line.startswith("  gateway") for line in lines) == 2


def test_a_target_is_met_or_not_or_not_measured() -> None:
    assert Target("a", 0.6, 0.6, at_least=True).is_met is True
    assert Target("a", 0.59, 0.6, at_least=True).is_met is False
    assert Target("a", 19.0, 19, at_least=False).is_met is False
    assert Target("a", None, 19, at_least=False).is_met is None
    assert Target("a", None, 19, at_least=False).line().startswith("not measured")


def test_the_plain_target_is_a_ratio_to_trivial_pythons_requests() -> None:
    found = aims(results(js=1000, py=500, gateway=250))

    assert found["plain 1 KB, 32 at once"].value == 0.5
    assert found["plain 1 KB, 32 at once"].is_met is False
    assert found["a fallback after an immediate 503 adds"].is_met is None


def test_a_fallback_is_compared_with_a_chain_of_one() -> None:
    measured = {
        Cell("small", 1, "gateway"): [series(p50_ms=2)],
        Cell("fallback", 1, "gateway"): [series(p50_ms=3)],
    }

    assert aims(measured)["a fallback after an immediate 503 adds"].value == 1


def test_small_imports_are_left_out_of_the_table_of_calls() -> None:
    costs = {"CPython": {"parse": 1.0, "import gateway.large": 4000.0, "import gateway.small": 10.0}}

    shown = costs_table(costs)

    assert "parse" in shown
    assert "gateway.large" in shown
    assert "gateway.small" not in shown


def test_a_cost_is_measured_with_and_without_prepare() -> None:
    prepared: list[int] = []

    def prepare() -> int:
        prepared.append(1)
        return len(prepared)

    used: list[int] = []
    assert micros(Cost("each", used.append, prepare)) > 0
    assert used == [*range(1, len(prepared) + 1)]
    assert micros(Cost("many", lambda: sum(range(100)))) > 0


def test_a_python_worker_is_configured_with_all_its_modules_and_the_entry_first() -> None:
    modules = modules_of("gateway")
    config = config_of(modules, 1234, {"NAME": 'a "value"'})

    assert next(iter(modules)) == "entry.py"
    assert "gateway/edge/fetch.py" in modules
    assert config.count("pythonModule") == len(modules)
    assert '(name = "NAME", text = "a \\"value\\"")' in config
    assert '"python_workers"' in config
    assert '"python_workers"' not in config_of(modules_of("javascript"), 1234, {})


def test_a_word_selects_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONLY", "messages")
    monkeypatch.setattr("sys.argv", ["bench"])
    assert arguments().only == "messages"

    monkeypatch.setattr("sys.argv", ["bench", "--part", "core", "--only", "guard"])
    assert arguments().only == "guard"


def test_a_word_that_selects_no_scenario_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--only", "nothing of this name"])

    with pytest.raises(SystemExit):
        arguments()
    assert "ONLY is in no scenario's name" in capsys.readouterr().err


def test_a_word_selects_calls_of_the_core() -> None:
    assert measured("find, a later").keys() == {"find, a later one"}
