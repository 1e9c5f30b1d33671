"""The gateway's core: plain Python that takes an HTTP request and returns the HTTP response.

``app.handle`` is the way in. The core reaches the network, the clock, the log and the stores only through
``memory.ports.Ports``, so it runs on Workers and in CPython alike.

The packages, from the door down. Each imports only from those below it:

* ``edge``: the border to JavaScript: requests, responses, ``fetch``, KV, D1, timers, streams
* ``routes``: one module for each endpoint
* ``openapi``: the OpenAPI document and its schemas
* ``ledger``: a request's row, settling costs, deleting old rows, usage queries, budget alerts
* ``answer_cache``: which answers may be cached, under which key, and how one is replayed
* ``pipeline``: what comes before the first attempt: authorize, read, parse, check budgets, plan
* ``streaming``: a stream after the commit: guard, relay, idle timer, keep-alive, takeover by another model
* ``fallback``: the attempt loop: schedule, attempt, execute, hedge, receipt, exhausted chain
* ``upstream``: OpenRouter and direct upstreams: the request, and the reply up to the commit
* ``access``: who may call, how often, and how many requests at once
* ``routing``: which models, in which order: candidates, eligibility, cost estimates, the plan
* ``dialects``: the wire formats of callers; today ``chat``
* ``catalog``: OpenRouter's models, prices and endpoints
* ``memory``: what one isolate remembers between requests, and the ports to the outside
* ``settings``: everything that can be set: the table, keys, task routes, upstreams, budgets, request options
* ``faults``: upstream failures: the fault table, classification, pauses
* ``http``: requests, responses, headers, errors, CORS, JSON, server-sent events, log events

The module ``app`` holds the route table and calls ``routes``. ``edge`` is the only package that touches
JavaScript. It implements the ports, and ``entry.py`` connects it with ``app``.
"""
