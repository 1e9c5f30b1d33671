"""Answers a request from the cache part by part: only the items whose parts are not cached go upstream.

Neighbouring items share a look-up if a request has more items than it may make look-ups.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.answer_cache.cacheable import keys_of_parts, within_size
from gateway.answer_cache.cached_answer import CachedAnswer, fresh_in
from gateway.answer_cache.reuse import AnswerReuse
from gateway.dialects.answer_parts import AnswerParts
from gateway.dialects.answer_stream import AnswerContext
from gateway.dialects.plain_answer import Completion
from gateway.fallback.receipt import Receipt
from gateway.fallback.respond import respond_answer
from gateway.http.body import HttpResponse
from gateway.http.json_bytes import to_json_bytes
from gateway.pipeline.call import Call
from gateway.pipeline.prepared import Prepared


class PartReuse(AnswerReuse):
    """The answer cache for one request whose answer has parts."""

    def __init__(self, call: Call, prepared: Prepared, receipt: Receipt, parts: AnswerParts) -> None:
        super().__init__(call, prepared, receipt)
        self._parts = parts
        self._groups: list[list[bytes]] = []  # the items that share a look-up
        self._keys: list[str] = []
        self._found: list[list[bytes] | None] = []  # the cached parts of each group

    @property
    def asked(self) -> Prepared:
        """The request for the items whose parts were not found."""
        missing = [
            item
            for group, found in zip(self._groups, self._found, strict=True)
            if found is None
            for item in group
        ]
        if not any(self._found):
            return self._prepared
        first = next(each for each in self._found if each)
        request = self._prepared.request
        request = self._parts.with_items(request, missing, self._parts.size_of(request, first[0]))
        planned = self._prepared.planned
        test = replace(planned.answer_test, expected=request.expected)
        return replace(self._prepared, request=request, planned=replace(planned, answer_test=test))

    async def cached(self, done: Callable[[str], None]) -> HttpResponse | None:
        """Return the response if all parts are cached; else None, and ``asked`` has what is missing."""
        prepared, receipt, ports = self._prepared, self._receipt, self._call.ports
        ttl_s = prepared.planned.cache_ttl_s
        if ttl_s is None or not prepared.planned.chain:
            return None
        request, settings = prepared.request, self._call.settings
        items = self._parts.items_of(request)
        lookups = 1 if self._parts.may_differ(request) else min(len(items), settings.cache_lookups)
        self._groups = _grouped(items, lookups)
        self._keys = keys_of_parts(prepared, settings, self._parts.fields_of_all(request), self._groups)
        raws = await asyncio.gather(*map(ports.answer_cache.get, self._keys))
        now_s = ports.now_s()
        fresh = [fresh_in(raw, now_s=now_s, ttl_s=ttl_s) for raw in raws]
        self._found = self._usable(fresh)
        hits = sum(
            len(group) for group, found in zip(self._groups, self._found, strict=True) if found is not None
        )
        receipt.cached_items = (hits, len(items))
        receipt.cache = "miss" if hits < len(items) else "hit"
        if hits < len(items):
            return None
        used = [each for each in fresh if each]
        return self._replay(used[0].model, age_s=now_s - min(each.at_s for each in used), done=done)

    def completed(self, answer: Completion) -> Completion:
        """Return the answer with the parts that were cached; cache the others in the background."""
        if not self._groups:
            return answer
        new = self._parts.parts_of(answer)
        all_parts: list[bytes] = []
        to_cache: list[tuple[str, list[bytes]]] = []
        for group, key, found in zip(self._groups, self._keys, self._found, strict=True):
            parts = found
            if parts is None:
                parts, new = new[: len(group)], new[len(group) :]
                to_cache.append((key, parts))
            all_parts += parts
        self._put(to_cache)
        if not any(self._found):
            return answer
        return self._parts.with_parts(answer, all_parts, "")

    def cache_answer(self, answer: Completion) -> None:
        """Do nothing: ``completed`` has cached the parts."""

    def _usable(self, answers: Sequence[CachedAnswer | None]) -> list[list[bytes] | None]:
        """Return the parts of each cached group; none at all if they could not stand in one answer."""
        request = self._prepared.request
        found = [[each.body[start:end] for start, end in each.usages] if each else None for each in answers]
        sizes = {self._parts.size_of(request, part) for parts in found if parts for part in parts}
        are_whole = all(
            parts is None or len(parts) == len(group)
            for parts, group in zip(found, self._groups, strict=True)
        )
        return found if are_whole and len(sizes) <= 1 and None not in sizes else [None for _ in found]

    def _replay(self, model: str, *, age_s: float, done: Callable[[str], None]) -> HttpResponse:
        prepared, receipt = self._prepared, self._receipt
        receipt.reuse(model, age_s=age_s)
        receipt.time_until(self._call.ports.now_s())
        answer = self._parts.with_parts(None, [part for each in self._found if each for part in each], model)
        told = AnswerContext(
            request=prepared.request,
            model=model,
            shown_model=None,
            note=receipt.note,
            state=receipt.state,
            answer=answer,
        )
        prepared.dialect.tell(answer.payload, told)
        end = b',"gateway":%b}' % to_json_bytes(receipt.to_json())
        body = b"".join((memoryview(answer.raw)[:-1], end))
        done("answered")
        return respond_answer(body, receipt, self._call.frame)

    def _put(self, to_cache: list[tuple[str, list[bytes]]]) -> None:
        ports, served, ttl_s = self._call.ports, self._receipt.serving, self._prepared.planned.cache_ttl_s
        if served is None or ttl_s is None:
            return
        model, at_s = served.model, ports.now_s()

        async def put() -> None:
            for key, parts in to_cache:
                packed = within_size(_packed(parts, model=model, at_s=at_s))
                if packed is not None:
                    await ports.answer_cache.put(key, packed, ttl_s=ttl_s)

        ports.run_in_background(put)


def _grouped(items: list[bytes], count: int) -> list[list[bytes]]:
    """Return the items in so many groups of neighbours. Some are larger by one than the others."""
    size, larger = divmod(len(items), count)
    groups, start = [], 0
    for number in range(count):
        end = start + size + (number < larger)
        groups.append(items[start:end])
        start = end
    return groups


def _packed(parts: list[bytes], *, model: str, at_s: float) -> CachedAnswer:
    spans, start = [], 0
    for part in parts:
        spans.append((start, start + len(part)))
        start += len(part)
    return CachedAnswer(at_s=at_s, model=model, body=b"".join(parts), usages=tuple(spans))
