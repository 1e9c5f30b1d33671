"""The simulator's routes, and its server, which listens on loopback only."""

import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from simulator import catalog, journal, reading, table
from simulator.catalog_plain import embedding_models_body, image_models_body
from simulator.connection import TRAP_PATH
from simulator.dialects.chat import CHAT
from simulator.dialects.completions import COMPLETIONS
from simulator.dialects.dialect import Dialect
from simulator.dialects.embeddings import EMBEDDINGS
from simulator.dialects.images import IMAGES
from simulator.dialects.messages import MESSAGES
from simulator.dialects.rerank import RERANK
from simulator.dialects.responses import RESPONSES
from simulator.dialects.speech import SPEECH
from simulator.dialects.transcriptions import TRANSCRIPTIONS
from simulator.errors import refused
from simulator.fault import Fault
from simulator.journal import Journal
from simulator.ledger import Ledger
from simulator.samples import sample
from simulator.stage import Stage
from simulator.steps import Complete
from simulator.turn import new_generation_id

# The three prefixes have the same routes; only their lists of models differ.
_LARGE = "/large/api/v1"
_LISTLESS = "/listless/api/v1"
_PREFIXES = ("/api/v1", "/v1", _LARGE, _LISTLESS)
DIALECTS: tuple[Dialect, ...] = (
    *(CHAT, MESSAGES, RESPONSES, COMPLETIONS),
    *(EMBEDDINGS, RERANK, IMAGES, SPEECH, TRANSCRIPTIONS),
)
_OTHER_LISTS = {"/embeddings/models": embedding_models_body, "/images/models": image_models_body}
_MAX_BODY_BYTES = 64 * 1024 * 1024
_SHUTDOWN_S = 0.05  # many handlers hang on purpose: do not wait for them
_CATALOG_HEADERS = sample("cat-01-models").headers

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Simulator:
    """The state of one simulator, and its request handlers."""

    def __init__(self, generation_delay_s: float = 0) -> None:
        self._journal = Journal()
        self._ledger = Ledger(generation_delay_s)
        self._repeats = reading.Repeats()

    def application(self) -> web.Application:
        """Return the web application with every route."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        for prefix in _PREFIXES:
            for dialect in DIALECTS:
                app.router.add_post(prefix + dialect.path, self._answering(dialect))
            app.router.add_get(f"{prefix}/models", self._logged(self._models))
            for path, body_of in _OTHER_LISTS.items():
                app.router.add_get(prefix + path, self._logged(_listing(body_of)))
            app.router.add_get(
                f"{prefix}/models/{{author}}/{{slug}}/endpoints", self._logged(self._endpoints)
            )
            app.router.add_get(f"{prefix}/key", self._logged(self._key))
            app.router.add_get(f"{prefix}/generation", self._logged(self._generation))
        app.router.add_get("/sim", self._table)
        app.router.add_get("/sim/log", self._read_log)
        app.router.add_delete("/sim/log", self._clear_log)
        app.router.add_get("/sim/bill", self._bill)
        app.router.add_route("*", TRAP_PATH, self._logged(self._trap))
        app.router.add_route("*", "/{rest:.*}", self._logged(self._nowhere))
        return app

    def _answering(self, dialect: Dialect) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            entry = self._journal.open(request.method, request.path, request.headers)
            try:
                raw = await request.read()
                self._journal.keep_body(entry, raw)
                asked = reading.read(dialect, raw, request.headers, self._repeats)
            except BaseException as error:
                entry.end(journal.outcome_of(error))
                raise
            entry.model, entry.user, entry.stream = asked.asked_model, asked.user, asked.turn.stream
            entry.body_keys, entry.form = list(asked.turn.body), asked.form
            stage = Stage(request, entry, asked.turn, self._ledger)
            return await stage.play(asked.script(asked.turn))

        return handler

    def _logged(self, answer: Callable[[web.Request], web.Response]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            entry = self._journal.open(request.method, request.path, request.headers)
            self._journal.keep_body(entry, await request.read())
            response = answer(request)
            entry.status = response.status
            entry.end(journal.ANSWERED)
            return response

        return handler

    def _models(self, request: web.Request) -> web.Response:
        if request.path.startswith(_LISTLESS):
            return _response(
                refused(CHAT, new_generation_id(), Fault(503, "The list of models cannot be had."))
            )
        outputs = request.query.get("output_modalities")
        body = catalog.models_body(outputs, many=request.path.startswith(_LARGE))
        return web.Response(body=body, headers=_CATALOG_HEADERS)

    def _endpoints(self, request: web.Request) -> web.Response:
        model = f"{request.match_info['author']}/{request.match_info['slug']}"
        body = catalog.endpoints_body(model)
        if body is None:
            return _response(_not_found(new_generation_id(), f"No endpoints found for {model}."))
        return web.Response(body=body, headers=_CATALOG_HEADERS)

    def _key(self, request: web.Request) -> web.Response:
        refusal = reading.unauthorized(request.headers)
        return _response(refusal) if refusal else _json(self._ledger.key_json())

    def _generation(self, request: web.Request) -> web.Response:
        refusal = reading.unauthorized(request.headers)
        if refusal:
            return _response(refusal)
        generation_id = request.query.get("id", "")
        found = self._ledger.generation(generation_id)
        if found is None:
            return _response(_not_found(generation_id, f"Generation {generation_id} not found"))
        return _json(found.as_json())

    async def _table(self, _: web.Request) -> web.Response:
        return _json(table.table_json())

    async def _read_log(self, request: web.Request) -> web.Response:
        return _json({"entries": self._journal.select(request.query.get("user"), request.query.get("model"))})

    async def _clear_log(self, _: web.Request) -> web.Response:
        self._journal.clear()
        return web.Response(status=204)

    async def _bill(self, _: web.Request) -> web.Response:
        return _json(self._ledger.bill_json())

    def _trap(self, _: web.Request) -> web.Response:
        return _json({"trapped": True})

    def _nowhere(self, _: web.Request) -> web.Response:
        return _json({"error": {"message": "Not Found", "code": 404}}, status=404)


def checked_loopback(host: str) -> str:
    """Return the host if only this machine can reach it.

    Raises:
        ValueError: it is not a loopback address.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not a loopback address")
    return host


@asynccontextmanager
async def listening(host: str, port: int, generation_delay_s: float = 0) -> AsyncIterator[str]:
    """Listen until the context ends; yield the base URL of the API."""
    # A client that leaves cancels its handler, which then records the outcome in the journal.
    runner = web.AppRunner(
        Simulator(generation_delay_s).application(),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, checked_loopback(host), port, backlog=1024).start()
        bound = runner.addresses[0]
        name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        yield f"http://{name}:{bound[1]}/api/v1"
    finally:
        await runner.cleanup()


def _listing(body_of: Callable[[], bytes]) -> Callable[[web.Request], web.Response]:
    return lambda _: web.Response(body=body_of(), headers=_CATALOG_HEADERS)


def _not_found(generation_id: str, message: str) -> Complete:
    return refused(CHAT, generation_id, Fault(404, message))


def _response(answer: Complete) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=json.dumps(value).encode(), content_type="application/json")
