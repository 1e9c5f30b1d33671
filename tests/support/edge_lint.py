"""A lint for code at the border to JavaScript: its rules find bugs that show only after a deploy.

It reads source text and decides by names and syntax only. When in doubt, it reports a finding.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

ASYNC_OBJECTS = frozenset(
    {"Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "Queue", "Future", "create_task"}
    | {"ensure_future", "TaskGroup", "Task", "get_event_loop", "new_event_loop", "gather"}
)
# They add a callback that counts the end of a task or a future, which may be due when the request has ended.
LOOPS_TASKS = frozenset({"asyncio.create_task", "asyncio.ensure_future", "asyncio.TaskGroup"})
CLOCKS_AND_CHANCE = frozenset({"time", "random", "uuid", "secrets", "datetime", "date"})
NATIVE_CALLS = frozenset({"to_js", "create_proxy", "create_once_callable"})
JS_MODULES = ("js", "pyodide", "workers")


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation: the rule and the line."""

    line: int
    rule: str


def findings_in(source: str) -> list[Finding]:
    """Return every violation in a module's source, in order of lines."""
    tree = ast.parse(source)
    names = _names_from_javascript(tree)
    found: set[Finding] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found |= {Finding(node.lineno, rule) for rule in _rules_of_call(node)}
        elif isinstance(node, ast.Attribute | ast.Name) and _last(node) == "AbortSignal":
            found.add(Finding(node.lineno, "abort-signal"))
        elif isinstance(node, ast.ImportFrom):
            found |= {
                Finding(node.lineno, "abort-signal") for each in node.names if each.name == "AbortSignal"
            }
    for scope in _scopes(tree):
        found |= {Finding(line, "is-none") for line in _none_tests(scope, names)}
        found |= {Finding(line, "headers") for line in _wrong_headers(scope)}
    for call in _calls_at_import(tree):
        found |= {Finding(call.lineno, rule) for rule in _rules_at_import(call, names)}
    return sorted(found, key=lambda each: (each.line, each.rule))


def _names_from_javascript(tree: ast.Module) -> frozenset[str]:
    """Return the names that imports from JavaScript bind."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.asname or each.name for each in node.names if each.name in JS_MODULES}
        elif isinstance(node, ast.ImportFrom) and node.module == "js":
            names |= {each.asname or each.name for each in node.names}
    return frozenset(names)


def _rules_of_call(call: ast.Call) -> Iterator[str]:
    called, native = _last(call.func), _is_native(call)
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    if native and any(_is_dict(value) for value in values):
        yield "dict-to-native"
    for keyword in call.keywords:
        if native and keyword.arg is None:
            yield "dict-to-native"
    if called == "waitUntil" and not all(_is_kept_alive(value) for value in values):
        yield "wait-until"
    if _is_timer(call):
        yield "loop-timer"
    if called == "text" and not call.args and isinstance(call.func, ast.Attribute):
        yield "body-as-text"
    made = ast.unparse(call.func).removeprefix("js.")
    if made in {"Response.new", "Request.new"} and call.args and _is_text(call.args[0]):
        yield "body-as-text"


def _is_timer(call: ast.Call) -> bool:
    """Return whether the call sets a timer of the event loop, or may leave one of its callbacks behind."""
    called = ast.unparse(call.func)
    if called in LOOPS_TASKS:
        return True
    if called == "asyncio.sleep":
        return not all(isinstance(value, ast.Constant) and value.value == 0 for value in call.args)
    if called == "asyncio.timeout":
        return not all(isinstance(value, ast.Constant) and value.value is None for value in call.args)
    has_timeout = any(keyword.arg == "timeout" for keyword in call.keywords)
    is_loops = called.startswith(("loop.", "self._loop.", "asyncio.get_"))
    return (
        called in {"asyncio.wait_for", "asyncio.timeout_at"}
        or (called == "asyncio.wait" and has_timeout)
        or (is_loops and called.endswith((".call_later", ".call_at")))
    )


def _is_dict(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return _last(value.func) == "dict"
    return isinstance(value, ast.Dict | ast.DictComp)


def _wrong_headers(scope: ast.AST) -> Iterator[int]:
    """Yield the lines where ``headers=`` is neither ``Headers.new(…)`` nor a variable that holds it."""
    assigned = [node for node in ast.walk(scope) if isinstance(node, ast.Assign) and _is_headers(node.value)]
    held = {each.id for node in assigned for each in node.targets if isinstance(each, ast.Name)}
    for node in ast.walk(scope):
        for keyword in node.keywords if isinstance(node, ast.Call) and _is_native(node) else ():
            value = keyword.value
            holds = _is_headers(value) or (isinstance(value, ast.Name) and value.id in held)
            if keyword.arg == "headers" and not holds:
                yield value.lineno


def _is_headers(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) in {"Headers.new", "js.Headers.new"}


def _is_native(call: ast.Call) -> bool:
    """Return whether the call is ``X.new(…)`` or ``fetch(…)``."""
    called = _last(call.func)
    return called == "fetch" or (called == "new" and isinstance(call.func, ast.Attribute))


def _is_kept_alive(value: ast.expr) -> bool:
    """Return whether the value is a JavaScript promise, or a proxy that is not destroyed automatically."""
    if isinstance(value, ast.Call):
        return _last(value.func) == "create_proxy"
    return _last(value).endswith(("proxy", "promise"))


def _is_text(value: ast.expr) -> bool:
    """Return whether the value is a string, an f-string, or the result of a call that returns text."""
    if isinstance(value, ast.Call):
        return _last(value.func) in {"str", "dumps", "decode", "stringify"}
    return isinstance(value, ast.JoinedStr) or (
        isinstance(value, ast.Constant) and isinstance(value.value, str)
    )


def _scopes(tree: ast.Module) -> Iterator[ast.Module | ast.FunctionDef | ast.AsyncFunctionDef]:
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _none_tests(scope: ast.AST, names: frozenset[str]) -> Iterator[int]:
    """Yield the lines that compare a JavaScript value with None: a missing value may be ``jsnull``."""
    foreign = set(names) | _foreign_arguments(scope)
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and _is_foreign(node.value, foreign):
            foreign |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.NamedExpr) and _is_foreign(node.value, foreign):
            foreign.add(node.target.id)
    for node in ast.walk(scope):
        if isinstance(node, ast.Compare) and any(isinstance(each, ast.Is | ast.IsNot) for each in node.ops):
            sides = [node.left, *node.comparators]
            if any(_is_none(side) for side in sides) and any(_is_foreign(side, foreign) for side in sides):
                yield node.lineno


def _foreign_arguments(scope: ast.AST) -> set[str]:
    """Return the arguments without a Python type: at the border they are JavaScript objects."""
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    arguments = [*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs]
    untyped = [each for each in arguments if each.annotation is None or _last(each.annotation) == "Any"]
    return {each.arg for each in untyped} - {"self", "cls"}


def _is_foreign(value: ast.expr, foreign: set[str]) -> bool:
    """Return whether a value is read from a JavaScript object, or returned by one."""
    while True:
        match value:
            case ast.Name(id=name):
                return name in foreign
            case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
                return f"self.{attribute}" in foreign
            case ast.Call(func=ast.Name(id="getattr"), args=[first, *_]):
                value = first
            case ast.Await(value=inner) | ast.Attribute(value=inner) | ast.Subscript(value=inner):
                value = inner
            case ast.NamedExpr(value=inner) | ast.Call(func=inner):
                value = inner
            case _:
                return False


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _calls_at_import(tree: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that run at import: at module level, in class bodies, defaults and decorators."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            defaults = [each for each in node.args.kw_defaults if each is not None]
            todo += [*node.decorator_list, *node.args.defaults, *defaults]
        elif isinstance(node, ast.Lambda):
            todo += node.args.defaults
        else:
            if isinstance(node, ast.Call):
                yield node
            todo += ast.iter_child_nodes(node)


def _rules_at_import(call: ast.Call, names: frozenset[str]) -> Iterator[str]:
    parts = _parts(call.func)
    last = _last(call.func)
    if last == "new" or last in NATIVE_CALLS or parts & names:
        yield "javascript-at-import"
    if last in ASYNC_OBJECTS and ("asyncio" in parts or isinstance(call.func, ast.Name)):
        yield "asyncio-at-import"
    first = ast.unparse(call.func).partition(".")[0]
    if first in CLOCKS_AND_CHANCE or last in {"urandom", "uuid4", "uuid1", "getenv"}:
        yield "clock-or-chance-at-import"


def _parts(value: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}


def _last(value: ast.AST) -> str:
    """Return the last part of a dotted name."""
    if isinstance(value, ast.Attribute):
        return value.attr
    return value.id if isinstance(value, ast.Name) else ""
