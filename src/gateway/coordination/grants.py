"""The grants of one scope: what isolates may use, what they have reported, and what is written off.

A grant is in storage before an isolate learns of it. It counts as held until a report says what became of it.
If none comes in time, all that is held counts as spent: its requests may have been sent. A later report puts
that right. Reports may come twice, late or in any order: the one with the highest number counts.
"""

from dataclasses import replace

from gateway.coordination.accounts import Accounts, Sums
from gateway.coordination.call_rate import CallRate, slot_of
from gateway.coordination.messages import Ask, Granted, Refused, Report
from gateway.coordination.storage import Storage, Value
from gateway.coordination.tables import one_number, whole_in
from gateway.settings.budget import period_of

# How long other requests of an isolate may use a grant.
LEASE_MS = 20_000
# How long a grant is held without a report of its end. `memory.spending` counts a request in flight as long.
LIFE_MS = 3_600_000 + LEASE_MS
# For how long a grant is remembered after that, so that a late report counts, and a repeated one does not.
REMEMBERED_MS = 3_600_000
# The share of what is left that one isolate may lease: a slice of a budget, and of a minute's requests.
SLICE_PART = 20
# A strict scope leases nothing once less than this part of a budget is left.
NEARLY_SPENT_PART = 10


class Grants:
    """The grants of one scope."""

    def __init__(self, storage: Storage, accounts: Accounts, rate: CallRate) -> None:
        self._storage = storage
        self._accounts = accounts
        self._rate = rate

    def grant(self, ask: Ask, sums: Sums, now_ms: int) -> Granted | Refused:
        """Return what a request may use, and hold it; or why it may not begin.

        Args:
            ask: what is asked for.
            sums: the sums of the scope, without this grant.
            now_ms: Unix time in ms.
        """
        found = self._storage.rows("SELECT * FROM grants WHERE id = ?", ask.id)
        if found:  # the same message again, or a release that was faster
            return _same_again(found[0])
        used = 0
        if ask.counts and ask.per_minute is not None:
            used = self._rate.used(now_ms)
            if used >= ask.per_minute:
                wait_ms = self._rate.wait_ms(ask.per_minute, now_ms)
                return Refused(code="too_many_requests", wait_ms=wait_ms)
        if ask.counts and ask.concurrent is not None and sums.busy >= ask.concurrent:
            return Refused(code="too_many_at_once")
        granted = _money_for(ask, sums)
        if isinstance(granted, Refused):
            return granted
        granted = replace(granted, requests=_requests_for(ask, used, is_lease=granted.for_ms > 0))
        self._insert(ask, granted, now_ms)
        if granted.requests and ask.per_minute is not None:
            self._rate.count(granted.requests, now_ms)
        return granted

    def _insert(self, ask: Ask, granted: Granted, now_ms: int) -> None:
        busy = int(ask.counts and ask.concurrent is not None)
        self._storage.rows(
            "INSERT INTO grants VALUES (?, ?, ?, 0, ?, ?, 0, ?, ?, 0, ?, ?, 0, '')",
            ask.id,
            int(busy or granted.micros > 0),
            now_ms + LIFE_MS,
            granted.micros,
            granted.micros,
            busy,
            granted.requests,
            slot_of(now_ms),
            granted.for_ms,
        )

    def report(self, report: Report, now_ms: int) -> None:
        """Count what a report says, unless a later one has been counted."""
        rows = self._storage.rows("SELECT * FROM grants WHERE id = ?", report.id)
        if not rows:
            self._insert_unknown(report, now_ms)
            return
        row = {name: value for name, value in rows[0].items() if name != "written_off_day"}
        before = {name: whole_in(value) for name, value in row.items()}
        if report.number <= before["number"]:
            return
        self._accounts.add(-before["written_off"], now_ms, day=str(rows[0]["written_off_day"]) or None)
        self._accounts.add(report.spent - before["spent"], now_ms)
        if report.unused > before["unused"]:
            self._rate.take_back(report.unused - before["unused"], before["slot"])
        is_open = report.held > 0 or report.busy
        self._storage.rows(
            "UPDATE grants SET open = ?, until_ms = ?, number = ?, held = ?, spent = ?, busy = ?, "
            "unused = ?, written_off = 0, written_off_day = '' WHERE id = ?",
            int(is_open),
            max(before["until_ms"], now_ms + LIFE_MS) if before["written_off"] else before["until_ms"],
            report.number,
            report.held,
            report.spent,
            int(report.busy),
            report.unused,
            report.id,
        )

    def _insert_unknown(self, report: Report, now_ms: int) -> None:
        """Count the report of a grant that is not here: the isolate had no answer when it asked for it.

        An old one is a repeat: the grant has been forgotten.
        """
        if report.at_ms < now_ms - LIFE_MS - REMEMBERED_MS:
            return
        self._accounts.add(report.spent, now_ms)
        self._storage.rows(
            "INSERT INTO grants VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, 0, 0, '')",
            report.id,
            int(report.held > 0 or report.busy),
            now_ms + LIFE_MS,
            report.number,
            report.spent + report.held,
            report.held,
            report.spent,
            int(report.busy),
            report.unused,
            slot_of(now_ms),
        )

    def write_off(self, now_ms: int) -> None:
        """Count grants as spent that nobody has reported in time, at all that is held."""
        overdue = self._storage.rows(
            "SELECT id, held FROM grants INDEXED BY grants_open WHERE open = 1 AND until_ms <= ?", now_ms
        )
        for row in overdue:
            held = whole_in(row["held"])
            self._accounts.add(held, now_ms)
            self._storage.rows(
                "UPDATE grants SET open = 0, held = 0, busy = 0, written_off = ?, written_off_day = ? "
                "WHERE id = ?",
                held,
                period_of("day", now_ms / 1000),
                row["id"],
            )

    def forget(self, now_ms: int) -> None:
        """Forget grants that have ended long ago."""
        self._storage.rows("DELETE FROM grants WHERE open = 0 AND until_ms <= ?", now_ms - REMEMBERED_MS)

    def next_due_ms(self) -> int | None:
        """Return when the first grant has to be written off or forgotten; None if there are none."""
        first_open = one_number(
            self._storage, "SELECT min(until_ms) FROM grants INDEXED BY grants_open WHERE open = 1"
        )
        first_ended = one_number(self._storage, "SELECT min(until_ms) FROM grants WHERE open = 0")
        due = [first_open] if first_open else []
        return min([*due, first_ended + REMEMBERED_MS] if first_ended else due, default=None)


def _money_for(ask: Ask, sums: Sums) -> Granted | Refused:
    """Return how much a request may use of the budgets, and for how long other requests may use it too."""
    for_ms = LEASE_MS if ask.lease and ask.concurrent is None else 0
    if not ask.limits:
        return Granted(for_ms=for_ms)
    unspents = {span: limit - sums.spent[span] for span, limit in ask.limits.items()}
    span = min(unspents, key=unspents.__getitem__)
    unspent, left = unspents[span], unspents[span] - sums.held
    if unspent <= 0:
        return Refused(code="budget_spent", span=span)
    if ask.least > unspent:
        return Refused(code="over_budget", span=span)
    if left <= 0 or ask.least > left:
        return Refused(code="budget_in_flight", span=span)
    if ask.strict and any(
        (unspents[each] - sums.held) * NEARLY_SPENT_PART < limit for each, limit in ask.limits.items()
    ):
        for_ms = 0
    needed = min(max(ask.micros, ask.least), left)
    return Granted(micros=needed + ((left - needed) // SLICE_PART if for_ms else 0), for_ms=for_ms)


def _requests_for(ask: Ask, used: int, *, is_lease: bool) -> int:
    """Return how many requests the isolate may begin; ``used`` is how many the last minute has."""
    if not ask.counts:
        return 0
    if ask.per_minute is None or ask.strict or not is_lease:
        return 1
    return 1 + (ask.per_minute - used - 1) // SLICE_PART


def _same_again(row: dict[str, Value]) -> Granted | Refused:
    """Return the outcome of an ask that has been answered before."""
    if row["number"]:
        return Refused(code="released")
    return Granted(
        micros=whole_in(row["micros"]), requests=whole_in(row["requests"]), for_ms=whole_in(row["for_ms"])
    )
