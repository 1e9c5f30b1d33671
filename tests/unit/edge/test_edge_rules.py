from pathlib import Path

import pytest

from scripts.tools import ROOT
from tests.support.edge_lint import findings_in

SRC = ROOT / "src"
EDGE = [*sorted((SRC / "gateway" / "edge").glob("*.py")), SRC / "entry.py"]
IMPORT_RULES = {"asyncio-at-import", "clock-or-chance-at-import", "javascript-at-import"}

TRAPS = [
    ("headers", "await fetch(url, headers=pairs)"),
    ("headers", "Response.new(body, headers=dict_of(pairs))"),
    ("headers", "Response.new(body, status=200, headers=[['a', 'b']])"),
    ("headers", "headers = dict_of(pairs)\n    await fetch(url, headers=headers)"),
    ("dict-to-native", "Headers.new({'a': 'b'})"),
    ("dict-to-native", "Headers.new(dict(pairs))"),
    ("dict-to-native", "js.Headers.new({name: each for name, each in pairs})"),
    ("dict-to-native", "Response.new(body, {'status': 200})"),
    ("dict-to-native", "await fetch(url, {'method': 'POST'})"),
    ("dict-to-native", "await js.fetch(url, **options)"),
    ("wait-until", "ctx.waitUntil(work())"),
    ("wait-until", "ctx.waitUntil(task)"),
    ("wait-until", "self._ctx.waitUntil(asyncio.create_task(work()))"),
    ("loop-timer", "asyncio.timeout(limit_s)"),
    ("loop-timer", "await asyncio.wait_for(work(), 5)"),
    ("loop-timer", "await asyncio.wait(tasks, timeout=5)"),
    ("loop-timer", "asyncio.get_running_loop().call_later(5, print)"),
    ("loop-timer", "self._loop.call_at(5, print)"),
    ("loop-timer", "await asyncio.sleep(seconds)"),
    ("loop-timer", "asyncio.create_task(work())"),
    ("loop-timer", "asyncio.ensure_future(work())"),
    ("abort-signal", "AbortSignal.timeout(5)"),
    ("abort-signal", "js.AbortSignal.any([one, two])"),
    ("body-as-text", "await js_request.text()"),
    ("body-as-text", "Response.new('words')"),
    ("body-as-text", "Response.new(json.dumps(payload), status=500)"),
    ("body-as-text", "js.Response.new(f'{words}')"),
    ("is-none", "request.signal is None"),
    ("is-none", "(await env.KV.get('key')) is not None"),
    ("is-none", "getattr(env, 'DB', None) is None"),
    ("is-none", "js.navigator is not None"),
]
AT_IMPORT = [
    ("javascript-at-import", "HEADERS = Headers.new()"),
    ("javascript-at-import", "ENCODER = js.TextEncoder.new()"),
    ("javascript-at-import", "EMPTY = to_js([])"),
    ("javascript-at-import", "PROXY = create_proxy(print)"),
    ("javascript-at-import", "ID = js.crypto.randomUUID()"),
    ("javascript-at-import", "async def f(given=Headers.new()) -> None: ..."),
    ("asyncio-at-import", "LOCK = asyncio.Lock()"),
    ("asyncio-at-import", "class Shared:\n    queue = asyncio.Queue()"),
    ("asyncio-at-import", "def f(event=asyncio.Event()) -> None: ..."),
    ("asyncio-at-import", "TASK = asyncio.create_task(work())"),
    ("clock-or-chance-at-import", "STARTED_AT_S = time.time()"),
    ("clock-or-chance-at-import", "SEED = random.random()"),
    ("clock-or-chance-at-import", "ID = uuid.uuid4().hex"),
    ("clock-or-chance-at-import", "SALT = os.urandom(8)"),
    ("clock-or-chance-at-import", "TOKEN = secrets.token_hex()"),
    ("clock-or-chance-at-import", "TODAY = datetime.now(UTC)"),
    ("clock-or-chance-at-import", "class Shared:\n    now_s = time.time()"),
]
SAFE = [
    "await fetch(url, method='POST', headers=Headers.new(to_js([list(pair) for pair in headers])))",
    "proxy = create_proxy(task)\n    ctx.waitUntil(proxy)",
    "ctx.waitUntil(create_proxy(task))",
    "settled = Promise.withResolvers()\n    ctx.waitUntil(settled.promise)",
    "promise = settled.promise\n    ctx.waitUntil(promise)",
    "headers = Headers.new(to_js(pairs))\n    Response.new(to_js(body), status=200, headers=headers)",
    "Response.new(None, status=204)",
    "asyncio.timeout(None)",
    "await asyncio.wait(tasks)",
    "await asyncio.sleep(0)",
    "ports.call_later(5, print)",
    "AbortController.new().abort()",
    "result = await reader.read()\n    return result.done",
    "count: int | None = None\n    return count is None",
    "time.time()",
    "asyncio.Event()",
]


def rules_in(source: str) -> set[str]:
    return {finding.rule for finding in findings_in(source)}


def in_function(line: str) -> str:
    header = "import js\nfrom js import AbortController, Headers, Response, fetch\n"
    return f"{header}async def f(env: Any, request: Any, ctx: Any) -> None:\n    {line}\n"


@pytest.mark.parametrize(("rule", "line"), TRAPS)
def test_a_trap_is_found(rule: str, line: str) -> None:
    assert rule in rules_in(in_function(line))


@pytest.mark.parametrize(("rule", "line"), AT_IMPORT)
def test_code_that_must_not_run_at_import_is_found(rule: str, line: str) -> None:
    assert rule in rules_in(f"import js\nfrom js import Headers\n{line}\n")


@pytest.mark.parametrize("line", SAFE)
def test_safe_code_is_not_reported(line: str) -> None:
    assert rules_in(in_function(line)) == set()


def test_a_javascript_value_is_followed_to_its_comparison_with_none() -> None:
    found = findings_in(in_function("value = await env.KV.get('key')\n    return value is None"))

    assert [(finding.line, finding.rule) for finding in found] == [(5, "is-none")]


@pytest.mark.parametrize("path", EDGE, ids=lambda path: path.name)
def test_the_edge_breaks_no_rule(path: Path) -> None:
    assert findings_in(path.read_text()) == []


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_no_module_uses_javascript_asyncio_or_the_clock_at_import(path: Path) -> None:
    assert not rules_in(path.read_text()) & IMPORT_RULES


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_no_module_uses_timers_of_the_event_loop(path: Path) -> None:
    assert "loop-timer" not in rules_in(path.read_text())
