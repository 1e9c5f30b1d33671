"""Plays a script on a connection, and records in the journal and the ledger how it ended."""

import asyncio
import socket
import struct
from collections.abc import Iterable

from aiohttp import HttpVersion11, web

from simulator import journal
from simulator.journal import Entry
from simulator.ledger import Ledger
from simulator.steps import Break, Complete, Headers, Pause, Step, Tally, Write
from simulator.turn import Turn

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: the kernel sends RST instead of FIN
_GENERATION_ID = "x-generation-id"


class Stage:
    """The handling of one request."""

    def __init__(self, request: web.Request, entry: Entry, turn: Turn, ledger: Ledger) -> None:
        self._request = request
        self._entry = entry
        self._turn = turn
        self._ledger = ledger
        self._tally: Tally | None = None
        self._generation_id: str | None = None
        self._response: web.StreamResponse | None = None

    async def play(self, steps: Iterable[Step]) -> web.StreamResponse:
        """Play all steps; return the response, which is sent or ready to be sent."""
        try:
            for step in steps:
                await self._step(step)
            assert self._response is not None, "a script sends something or ends the connection"
            if self._response.prepared:
                await self._response.write_eof()
        except BaseException as error:
            self._end(journal.outcome_of(error))
            raise
        self._end(journal.ANSWERED)
        return self._response

    async def _step(self, step: Step) -> None:
        match step:
            case Complete():
                self._send_complete(step)
            case Write():
                await self._write(step)
            case Headers():
                await self._send_headers(step)
            case Pause():
                await asyncio.sleep(step.seconds)
            case Break():
                await self._break(step)

    def _send_complete(self, step: Complete) -> None:
        self._entry.status = step.status
        self._note_generation(
            step.status, step.headers.get("X-Generation-Id") or step.headers.get(_GENERATION_ID)
        )
        self._tally = step.tally
        self._response = response = web.Response(status=step.status, body=step.body, headers=step.headers)
        if self._request.version >= HttpVersion11 and step.body:
            response.enable_chunked_encoding()  # OpenRouter sends no Content-Length

    async def _send_headers(self, step: Headers) -> None:
        self._entry.status = step.status
        self._response = response = web.StreamResponse(status=step.status, headers=step.headers)
        self._note_generation(step.status, response.headers.get(_GENERATION_ID))
        if step.length_bytes is not None:
            response.content_length = step.length_bytes
        await response.prepare(self._request)

    async def _write(self, step: Write) -> None:
        assert self._response is not None, "a script sends the headers before the body"
        if step.tally is not None:
            self._tally = step.tally
        await self._response.write(step.data)
        self._entry.events_sent += step.events

    async def _break(self, how: Break) -> None:
        transport = self._request.transport
        if transport is not None and how is Break.RESET:
            self._end(journal.RESET)
            peer: socket.socket = transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        elif transport is not None and how is Break.CLOSE:
            self._end(journal.CLOSED)
            transport.close()
        # The end of the connection, from either side, cancels this handler.
        await asyncio.Event().wait()

    def _note_generation(self, status: int, generation_id: str | None) -> None:
        if status == 200:
            self._generation_id = generation_id

    def _end(self, outcome: str) -> None:
        if self._entry.outcome != journal.OPEN:
            return
        complete = outcome == journal.ANSWERED
        self._entry.end(outcome)
        if complete and self._tally is not None:
            self._entry.cost_nano_usd = self._tally.cost_nano_usd
        if self._generation_id is not None:
            self._ledger.remember(
                self._generation_id,
                self._turn.model,
                stream=self._turn.stream,
                tally=self._tally,
                cancelled=not complete,
                ms=self._entry.elapsed_ms(),
            )
