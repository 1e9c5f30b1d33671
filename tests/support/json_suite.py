"""Loads JSONTestSuite: files that are JSON (``y_``), files that are not (``n_``), and disputed ones (``i_``).

Source: https://github.com/nst/JSONTestSuite, MIT licence; the sample file holds the notice.
"""

import base64
import json
from collections.abc import Awaitable, Callable
from functools import cache

from tests.support.fidelity import BrokenRuleError
from tests.support.samples import FOLDER


@cache
def json_suite() -> dict[str, bytes]:
    """Return the bytes of every file by its name without the extension."""
    stored = json.loads((FOLDER / "json-test-suite.json").read_text(encoding="utf-8"))["files"]
    return {
        **{name: base64.b64decode(text) for name, text in stored.items()},
        "n_structure_100000_opening_arrays": b"[" * 100_000,
        "n_structure_open_array_object": b'[{"":' * 50_000 + b"\n",
    }


async def check_all(check: Callable[[bytes], Awaitable[None]]) -> None:
    """Check every file; fail with one line for each file for which the check fails."""
    faults = []
    for name, raw in json_suite().items():
        try:
            await check(raw)
        except BrokenRuleError as error:
            faults.append(f"{name} {raw[:40]!r}: {error}")
    assert not faults, "\n".join([f"{len(faults)} files:", *faults])


def is_deep(raw: bytes) -> bool:
    """Return whether JSON nests deeper than the gateway reads, so that it may be refused."""
    return raw.count(b"[") > 200
