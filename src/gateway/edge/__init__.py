"""The border to JavaScript: with ``entry.py`` the only code that imports ``js``, ``pyodide`` or ``workers``.

It converts and forwards, and decides nothing. The differences between the runtimes end here.

What the runtimes do that these modules guard against (tests/unit/edge/test_edge_rules.py checks each):

* a Python dict given to a native constructor kills the isolate: header pairs cross as a list of lists;
* JavaScript objects made at module level cannot be part of a deploy's snapshot;
* asyncio objects shared between requests end them with a 500;
* work that outlives the response runs only under ``ctx.waitUntil(create_proxy(task))``;
* a client that leaves raises nothing in Python: ``request.signal`` cancels the request's tasks;
* a missing value is ``None``, ``undefined`` or the falsy ``jsnull``, by runtime;
* a timer of the event loop's cannot be taken back, and is left behind with its request: see ``alarm``;
* bodies cross as bytes: as str they cost thirty times as much.
"""
