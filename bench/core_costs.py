"""Times calls of the core, and prints JSON: each name with its microseconds (the median of repeats).

It runs unchanged on CPython and in Pyodide, so it uses the gateway and the standard library only. To time a
further call, add a line to ``costs``.
"""

import json
import sys
from collections.abc import Callable

from bench.imports import import_micros
from bench.timing import Cost, micros


def costs() -> list[Cost]:
    """Return the calls. It imports the gateway here, because the cost of that import is measured before."""
    from bench.listed import model_list, names  # noqa: PLC0415
    from gateway.catalog.compact import compact  # noqa: PLC0415
    from gateway.catalog.stored_catalog import from_stored, to_stored  # noqa: PLC0415
    from gateway.dialects.chat.dialect import CHAT  # noqa: PLC0415
    from gateway.dialects.chat.parse import parse  # noqa: PLC0415
    from gateway.routing.plan import plan  # noqa: PLC0415
    from gateway.routing.selection import select  # noqa: PLC0415
    from gateway.routing.signals import Signals  # noqa: PLC0415
    from gateway.settings.caller import Caller  # noqa: PLC0415
    from gateway.settings.settings import Settings  # noqa: PLC0415

    listed, now_s = model_list(), 1_790_000_000.0
    catalog = compact(listed, now_s=now_s)
    assert catalog is not None
    stored = to_stored(catalog)
    models = names()[100:103]
    settings, caller = Settings.from_env(lambda _name: None), Caller(name="bench", models=None)
    signals = Signals(
        now_s=now_s,
        catalog=catalog,
        is_fresh=True,
        session_model=None,
        expected_ms=lambda _candidate: None,
        expected_tokens=lambda _model: 1_000,
        budget_left_usd=None,
        budget_unspent_usd=None,
        draw=lambda: 0.5,
    )

    def body(**fields: object) -> bytes:
        return json.dumps({"messages": [{"role": "user", "content": "Hi"}], **fields}).encode()

    def planning(chain: list[str], **fields: object) -> Callable[[], object]:
        chat = parse(body(models=chain, **fields))
        return lambda: plan(chat, select(chat, settings, caller), settings, caller, signals, dialect=CHAT)

    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    short = body(model=models[0])
    long = body(model=models[0], messages=[{"role": "user", "content": "lorem " * 3_400}])
    turn = [{"role": "user", "content": "lorem " * 34}, {"role": "assistant", "content": "ipsum " * 34}]
    talk = body(model=models[0], messages=turn * 50)
    return [
        Cost("parse, a short prompt", lambda: parse(short)),
        Cost("parse, 20 KB in one message", lambda: parse(long)),
        Cost("parse, 20 KB in 100 messages", lambda: parse(talk)),
        Cost("plan, a chain of 1", planning(models[:1])),
        Cost("plan, a chain of 3", planning(models)),
        Cost("plan, a chain of 1, with tools", planning(models[:1], tools=[tool])),
        Cost("plan, a chain of 3, with tools", planning(models, tools=[tool])),
        Cost("plan, a chain of 3, the cheapest first", planning(models, gateway={"order": "cheapest"})),
        Cost("compact, 650 models from OpenRouter's list", lambda: compact(listed, now_s=now_s)),
        Cost("from_stored, 650 models", lambda: from_stored(stored)),
        Cost("find, the first", lambda fresh: fresh.find(models[0]), lambda: from_stored(stored)),
        Cost("find, a later one", lambda: catalog.find(models[0])),
    ]


def measured() -> dict[str, float]:
    """Return all costs in microseconds, by name."""
    imports = import_micros("gateway.app")
    return {each.name: micros(each) for each in costs()} | imports


if __name__ == "__main__":
    json.dump(measured(), sys.stdout)
