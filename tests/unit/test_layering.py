import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

# A module imports from earlier lines only. `gateway.` is left out.
LAYERS = (
    "http.frozen http.json_values http.sse memory.sessions",
    "streaming.fast_path",
    "dialects.chat.answer_shape dialects.chat.prompt_tokens faults.details faults.error_rows",
    "faults.retry_after http.errors http.json_bytes http.log_events",
    "http.message http.splice memory.catalog memory.endpoints",
    "memory.latencies memory.rates openapi.examples openapi.key_schema",
    "routing.expected_latency settings.price",
    "answer_cache.cached_answer catalog.prices catalog.stored_catalog dialects.chat.requirements",
    "faults.policy http.body http.destination memory.ports",
    "settings.parse_value",
    "catalog.compact catalog.query faults.fault http.responses",
    "memory.database memory.get settings.budget settings.field_rule",
    "settings.upstreams streaming.idle_timer",
    "catalog.model_list catalog.refresh dialects.chat.fields fallback.attempt",
    "faults.classify http.cors ledger.forget ledger.usage_query",
    "memory.cooldowns memory.spending settings.caller settings.options",
    "access.concurrency catalog.endpoints dialects.chat.answer_checks dialects.chat.request",
    "ledger.settle memory.isolate openapi.plan_schema openapi.schemas",
    "openapi.usage_schema settings.presets",
    "access.rate_limit dialects.chat.chunk_shape dialects.chat.parse openapi.document",
    "routing.capability routing.chain routing.cost_estimate settings.keys",
    "settings.task_routes upstream.commit upstream.direct",
    "catalog.task_models fallback.receipt routing.availability routing.order",
    "routing.signals settings.table",
    "fallback.cost_ceiling fallback.exhausted fallback.respond settings.settings",
    "access.authorize pipeline.budget pipeline.call routing.candidates",
    "routing.selection upstream.compose",
    "ledger.budget_alerts routes.health routes.key routes.models",
    "routes.usage routing.eligibility",
    "fallback.schedule routes.openapi routing.plan",
    "fallback.attempt_once pipeline.decided_by pipeline.prepare",
    "answer_cache.cacheable fallback.execute fallback.normalize ledger.row",
    "routes.plan streaming.guard",
    "answer_cache.record_stream ledger.write streaming.guard_step streaming.keep_alive",
    "answer_cache.reuse ledger.record streaming.relay",
    "ledger.close_request streaming.early_stream streaming.resume",
    "streaming.streaming",
    "routes.chat_completions",
    "app",
    "edge.alarm edge.fetch edge.answer_cache edge.d1 edge.lifeline edge.sinks edge.convert edge.bindings",
    "entry",
)
ORDER = [name for layer in LAYERS for name in layer.split()]

# What production loads for every isolate: a new name here costs start-up time.
STANDARD_LIBRARY = {
    "asyncio",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "hashlib",
    "hmac",
    "importlib",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "sys",
    "types",
    "typing",
    "urllib",
    "zlib",
}
JAVASCRIPT = {"js", "pyodide", "workers"}


def modules() -> dict[str, Path]:
    paths = [path for path in SRC.rglob("*.py") if path.name != "__init__.py"]
    return {name_of(path): path for path in paths}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SRC).with_suffix("").parts).removeprefix("gateway.")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(node.module or "")
    return found


CORE = {name: path for name, path in modules().items() if not name.startswith("edge.") and name != "entry"}


def test_every_module_has_its_place_in_the_order() -> None:
    assert set(modules()) <= set(ORDER)


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_from_earlier_ones_only(name: str) -> None:
    ours = {
        each.removeprefix("gateway.") for each in imports_of(modules()[name]) if each.startswith("gateway")
    }

    assert ours <= set(ORDER[: ORDER.index(name)])


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_touches_no_javascript(name: str) -> None:
    assert not {each.partition(".")[0] for each in imports_of(CORE[name])} & JAVASCRIPT


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_needs_nothing_but_a_little_of_the_standard_library(name: str) -> None:
    packages = {each.partition(".")[0] for each in imports_of(CORE[name])}

    assert packages <= STANDARD_LIBRARY | {"gateway"}


def test_packages_hold_nothing_but_their_docstring() -> None:
    bodies = [ast.parse(path.read_text()).body for path in SRC.rglob("__init__.py")]

    assert all(len(body) == 1 and isinstance(body[0], ast.Expr) for body in bodies)
