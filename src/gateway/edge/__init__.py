"""The border to JavaScript: with ``entry.py`` the only code that imports ``js``, ``pyodide`` or ``workers``.

It converts and forwards, and decides nothing. It hides the differences between the runtimes from the core.

The modules guard against the following behaviour of the runtimes. tests/unit/edge/test_edge_rules.py checks
for it as far as it shows in the source:

* A Python dict as argument of a native constructor kills the isolate. Headers are passed as a list of lists.
* JavaScript objects that are created at module level cannot be part of a deploy's snapshot.
* Asyncio objects that requests share end these requests with a 500.
* Work that outlives the response runs only under ``ctx.waitUntil``, with a native promise or a proxy.
* Python gets no exception when a client disconnects. ``request.signal`` cancels the request's tasks instead.
* A missing value is ``None``, ``undefined`` or the falsy ``jsnull``, depending on the runtime.
* A timer of the event loop cannot be cleared, and stays behind when its request ends: see ``alarm``.
* Bodies are passed as bytes: as str they cost thirty times as much.
"""
