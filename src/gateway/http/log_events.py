"""Every event that is logged, as one table: its level and its meaning. One line of JSON each, no content."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass

Level: TypeAlias = Literal["info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Logged:
    """How serious an event is, and what it means."""

    level: Level
    meaning: str


EVENTS: Mapping[str, Logged] = MappingProxyType({
    "request_done": Logged("info", "A chat request has ended: its caller, its outcome, and its receipt."),
    "attempt_failed": Logged("warn", "One attempt at one model failed: the row of its receipt."),
    "internal_error": Logged("error", "A fault of the gateway's own: its kind, and the line."),
    "catalog_not_refreshed": Logged("warn", "The list of models could not be fetched; the copy stays."),
    "catalog_not_stored": Logged("warn", "The list of models is too large for KV: its size in bytes."),
    "stored_catalog_ignored": Logged("warn", "What KV holds is no list of models, or of another version."),
    "endpoints_not_fetched": Logged("warn", "A model's endpoints could not be had for the order `fastest`."),
    "cache_failed": Logged("warn", "KV failed: the runtime's name for the error."),
    "answer_cache_failed": Logged("warn", "The cache of answers failed, or was slow: the name of the error."),
    "budget_not_read": Logged("warn", "The ledger could not be read: this isolate goes by what it has seen."),
    "ledger_write_lost": Logged("error", "A row did not get into the ledger; `lost`: how many here so far."),
    "ledger_not_settled": Logged("warn", "The ledger failed while costs were settled, or old rows deleted."),
    "alert_failed": Logged("error", "An alert could not be claimed, or its webhook did not take it."),
    "rate_limiter_failed": Logged("warn", "The rate limiting binding failed: the request was let through."),
})  # fmt: skip  # one event a line


def level_of(event: str) -> Level:
    """Return an event's level; one that is not in the table is an error, so that it is seen."""
    known = EVENTS.get(event)
    return known.level if known else "error"
