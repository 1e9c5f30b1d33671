"""Times calls of the core, and prints JSON: each name with its microseconds (the median of repeats).

It runs unchanged on CPython and in Pyodide, so it uses the gateway and the standard library only. To time a
further call, add a line to ``costs``. A word as an argument selects the calls with this word in their name.
"""

import json
import sys
from collections.abc import Callable
from functools import partial

from bench.imports import import_micros
from bench.timing import Cost, micros


def costs() -> list[Cost]:
    """Return the calls. It imports the gateway here, because the cost of that import is measured before."""
    from bench.agent import chat_body, messages_body  # noqa: PLC0415
    from bench.guarded import repeated, unlike  # noqa: PLC0415
    from bench.listed import model_list, names  # noqa: PLC0415
    from gateway.catalog.compact import compact  # noqa: PLC0415
    from gateway.catalog.stored_catalog import from_stored, to_stored  # noqa: PLC0415
    from gateway.dialects.chat.dialect import CHAT  # noqa: PLC0415
    from gateway.dialects.chat.parse import parse  # noqa: PLC0415
    from gateway.dialects.messages.dialect import MESSAGES  # noqa: PLC0415
    from gateway.dialects.messages.parse import parse as parse_messages  # noqa: PLC0415
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
    sizes = {"100 KB": 100_000, "2 MB": 2_000_000}
    chats = {name: chat_body(size_bytes, models[0]) for name, size_bytes in sizes.items()}
    messages = {name: messages_body(size_bytes, models[0]) for name, size_bytes in sizes.items()}
    return [
        Cost("parse, a short prompt", lambda: parse(short)),
        Cost("parse, 20 KB in one message", lambda: parse(long)),
        Cost("parse, 20 KB in 100 messages", lambda: parse(talk)),
        *(Cost(f"parse, {name} of an agent, chat", partial(parse, raw)) for name, raw in chats.items()),
        *(
            Cost(f"parse, {name} of an agent, messages", partial(parse_messages, raw))
            for name, raw in messages.items()
        ),
        Cost("guard, a repeated event, chat", repeated(CHAT)),
        Cost("guard, a repeated event, messages", repeated(MESSAGES)),
        Cost("guard, an event like no other, chat", unlike(CHAT)),
        Cost("guard, an event like no other, messages", unlike(MESSAGES)),
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


def measured(only: str = "") -> dict[str, float]:
    """Return in microseconds, by name, the costs of the calls and imports with ``only`` in their name."""
    imports = import_micros("gateway.app") if not only or only.startswith("import") else {}
    found = {each.name: micros(each) for each in costs() if only in each.name} | imports
    return {name: cost for name, cost in found.items() if only in name}


if __name__ == "__main__":
    json.dump(measured(*sys.argv[1:]), sys.stdout)
