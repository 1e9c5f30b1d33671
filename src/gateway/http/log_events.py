"""The table of all log events: each with its level and its meaning.

An event is logged as one line of JSON. It holds no prompt and no answer.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass

Level: TypeAlias = Literal["info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Logged:
    """The level and the meaning of a log event."""

    level: Level
    meaning: str


EVENTS: Mapping[str, Logged] = MappingProxyType({
    "request_done": Logged("info", "A chat request has ended: its caller, its outcome and its receipt."),
    "attempt_failed": Logged("warn", "One attempt failed: its row of the receipt."),
    "internal_error": Logged("error", "A bug in the gateway: the type of the exception and its line."),
    "catalog_not_refreshed": Logged("warn", "The model list could not be fetched; the old one stays."),
    "catalog_not_stored": Logged("warn", "The model list is too large for KV: its size in bytes."),
    "stored_catalog_ignored": Logged("warn", "The value in KV is not a model list, or has another version."),
    "endpoints_not_fetched": Logged("warn", "The endpoints of a model could not be fetched (`fastest`)."),
    "cache_failed": Logged("warn", "KV failed: the runtime's name for the error."),
    "answer_cache_failed": Logged("warn", "The answer cache failed or was slow: the name of the error."),
    "budget_not_reserved": Logged("warn", "A reservation could not be written to the ledger."),
    "budget_not_read": Logged("warn", "The ledger could not be read; the isolate uses its own sums."),
    "ledger_write_lost": Logged("error", "A row was not written; `lost`: rows lost so far in this isolate."),
    "ledger_not_settled": Logged("warn", "The ledger failed while it settled costs or deleted old rows."),
    "alert_failed": Logged("error", "An alert could not be claimed, or its webhook did not accept it."),
    "own_key_not_checked": Logged("warn", "OpenRouter did not say whether it accepts a caller's own key."),
    "ledger_not_read": Logged("warn", "The ledger did not answer a request about usage or keys."),
    "keys_not_read": Logged("warn", "The database of keys did not answer: the name of the error."),
    "stored_key_ignored": Logged("error", "The row of a key has bounds that this version does not know."),
    "key_changed": Logged("info", "An admin made, changed, rotated or revoked a key: who, which, what."),
    "coordinator_failed": Logged("warn", "A coordinator did not answer: its scope, and what happened."),
    "rate_limiter_failed": Logged("warn", "The rate limiting binding failed; the request was let through."),
})  # fmt: skip  # one event a line


def level_of(event: str) -> Level:
    """Return the level of an event. One that is not in the table is an error, so that it is noticed."""
    logged = EVENTS.get(event)
    return logged.level if logged else "error"
