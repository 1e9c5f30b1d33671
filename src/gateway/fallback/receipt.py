"""The receipt of a request: which models were tried, in which order, how each attempt ended, and its cost."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Literal

from gateway.fallback.attempt import Attempt, elapsed_ms
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject
from gateway.routing.chain import Plan

# Proxies and clients allow 8 to 16 KiB for all headers together.
MAX_RECEIPT_HEADER_BYTES = 4_096
MAX_TRACE_BYTES = 1_024


def no_similar_models(_: str) -> tuple[str, ...]:
    """Return no models: there is no model list to look in."""
    return ()


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What one request tried; one object is used from the first attempt to the last byte.

    Attributes:
        requested: every requested model, in order, including those that were skipped.
        resolved: by the name that was written, the model or task that it stands for.
        route: the task route that a condition has chosen, and the condition; None if none has.
        serving: the attempt whose answer the caller gets; None while there is none.
        skipped: by model, why it was not called.
        notes: what else the caller should know, as sentences.
        ms: how long the request has taken so far, in ms.
        cache: the result of the lookup in the answer cache; None if there was no lookup.
        cached_items: of an answer with parts, how many items had a cached part, and how many there are; None
            if the answer is cached as a whole.
        reused: on a cache hit, the model that served the cached answer, and the answer's age in seconds.
        session_model: the model that came first because it served the session last; None if there is none.
        closed: whether ``ledger.close_request`` has run for the request.
        first_ms: how long it took until a model committed, in ms; None while none has.
        signed_by: the model or author that made the newest signed part of the messages; None if unknown.
        stated: further fields of the receipt, each of which is a header, too.
        similar: returns the listed models whose names are like that of a model, and that the caller may use.
    """

    request_id: str
    requested: tuple[str, ...]
    resolved: Mapping[str, str] = field(default_factory=dict)
    route: JsonObject | None = None
    started_at_s: float
    attempts: list[Attempt] = field(default_factory=list)
    serving: Attempt | None = None
    skipped: dict[str, JsonObject] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    ms: int = 0
    first_ms: int | None = None
    session_model: str | None = None
    closed: bool = False
    signed_by: str | None = None
    cache: Literal["hit", "miss"] | None = None
    cached_items: tuple[int, int] | None = None
    reused: tuple[str, float] | None = None
    stated: dict[str, str] = field(default_factory=dict)
    similar: Callable[[str], tuple[str, ...]] = no_similar_models

    def skip(self, model: str, reason: str, **details: Json) -> None:
        """Record why a model was not called."""
        self.skipped[model] = {"model": model, "reason": reason, **details}

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def state(self, name: str, value: str) -> None:
        """Add a field, and a header of its name: ``x-gateway-`` and the name with hyphens."""
        self.stated[name] = value

    def names_for(self, attempt: Attempt, *, now_s: float) -> JsonObject:
        """Return the ``id``, ``created`` and ``model`` of an attempt's answer that states none."""
        return {
            "id": attempt.generation_id or f"gen-{self.request_id}",
            "created": int(now_s),
            "model": attempt.model,
        }

    def reuse(self, model: str, *, age_s: float) -> None:
        """Record that a cached answer of ``model`` is returned; ``age_s`` is its age in seconds."""
        self.cache = "hit"
        self.reused = (model, age_s)

    @property
    def served(self) -> str | None:
        """The model whose answer the caller gets; None while there is none."""
        if self.reused:
            return self.reused[0]
        return self.serving.model if self.serving else None

    @property
    def is_sticky(self) -> bool:
        """Whether the model that answers was chosen because it served the session last."""
        first = self.attempts[0].model if self.attempts else None
        return first is not None and first == self.session_model == self.served

    def time_until(self, now_s: float) -> int:
        """Record how long the request has taken; return the time since the last record, in ms."""
        before_ms, self.ms = self.ms, elapsed_ms(self.started_at_s, now_s)
        return self.ms - before_ms

    @property
    def cost_usd(self) -> float | None:
        """The sum of the known costs, in USD; None while no cost is known."""
        known = [attempt.cost_usd for attempt in self.attempts if attempt.cost_usd is not None]
        return round(sum(known), 9) if known else None

    @property
    def most_usd(self) -> float:
        """The sum of the attempts' costs in USD; an unknown cost counts as the most it may be."""
        return sum(attempt.most_usd for attempt in self.attempts)

    @property
    def held_usd(self) -> float:
        """The sum of what the attempts hold of a budget, in USD."""
        return sum(attempt.held_usd for attempt in self.attempts)

    def to_json(self) -> JsonObject:
        """Return the complete receipt, for the caller only."""
        return {**self.to_log(), "attempts": [attempt.to_json() for attempt in self.attempts]}

    def to_log(self) -> JsonObject:
        """Return the receipt without what the upstreams said of their errors: that may repeat the prompt."""
        shown: JsonObject = {
            "request_id": self.request_id,
            "requested": list(self.requested),
            "served": self.served,
            "attempts": [attempt.to_log() for attempt in self.attempts],
            "cost_usd": 0.0 if self.reused else self.cost_usd,
            "ms": self.ms,
        }
        if self.resolved:
            shown["resolved"] = {**self.resolved}
        if self.route:
            shown["route"] = self.route
        if self.is_sticky:
            shown["sticky"] = True
        if self.signed_by is not None:
            shown["signed_by"] = self.signed_by
        if self.cache:
            age_s = round(self.reused[1]) if self.reused else None
            shown["cache"] = {"hit": self.cache == "hit", "age_s": age_s, **self._items_json()}
        shown |= self.stated
        if self.skipped:
            shown["skipped"] = list(self.skipped.values())
        if self.notes:
            shown["notes"] = list(self.notes)
        return shown

    def _items_json(self) -> JsonObject:
        if self.cached_items is None:
            return {}
        hits, items = self.cached_items
        return {"items": items, "items_hit": hits}

    def to_header(self) -> str:
        """Return the receipt as compact ASCII JSON, without its least important parts if it is too long.

        It does not have what the upstreams said: proxies log headers.
        """
        shown = self.to_log()
        text = _compact(shown)
        if len(text) <= MAX_RECEIPT_HEADER_BYTES:
            return text
        for _ in self._shorten(shown):
            text = _compact(shown)
            if len(text) <= MAX_RECEIPT_HEADER_BYTES:
                break
        return text

    def _shorten(self, shown: JsonObject) -> Iterator[None]:
        """Remove one part per step: models that were not called, notes, then attempts, earliest first."""
        shown["requested"] = list(self.requested[:1])
        shown.pop("skipped", None)
        shown.pop("resolved", None)
        yield
        if shown.pop("notes", None):
            shown["notes_omitted"] = len(self.notes)
            yield
        for omitted in range(1, len(self.attempts) + 1):
            shown["attempts"] = [attempt.to_log() for attempt in self.attempts[omitted:]]
            shown["attempts_omitted"] = omitted
            yield

    def to_trace(self) -> str:
        """Return the shortest form: ``model=code`` for each attempt, in order."""
        trace = ",".join(f"{attempt.model}={attempt.word}" for attempt in self.attempts)
        return trace if len(trace) <= MAX_TRACE_BYTES else trace[: MAX_TRACE_BYTES - 3] + "..."


def open_receipt(plan: Plan, request_id: str, *, started_at_s: float) -> Receipt:
    """Return a new receipt for a plan, before the first attempt; it has what the plan skipped and noted."""
    receipt = Receipt(
        request_id=request_id,
        requested=plan.requested,
        resolved=plan.resolved,
        route=plan.route,
        started_at_s=started_at_s,
        session_model=plan.session_model,
        signed_by=plan.signed_by,
    )
    for each in plan.skipped:
        receipt.skip(each.model, each.reason, **each.details)
    receipt.notes += plan.notes
    return receipt


def _compact(shown: JsonObject) -> str:
    return json.dumps(shown, separators=(",", ":"))
