"""What one isolate may use of one scope: the coordinator's grants, and how its requests use them.

Plain data, which the isolate's requests share. Nothing here waits: a request takes money in the moment in
which it checks that there is some.
"""

from dataclasses import field

from gateway.coordination.isolate_grant import Grant
from gateway.coordination.messages import Cooldown, Granted, Reply, Report
from gateway.http.frozen import dataclass
from gateway.settings.budget import Span

# How many grants that have ended are kept while the coordinator cannot be told. The oldest are dropped.
MAX_UNREPORTED = 1_000
MAX_REPORTS = 100  # of one message


@dataclass(slots=True)
class Allowance:
    """What an isolate may use of a scope.

    Attributes:
        grants: by their ids, those that the coordinator does not know to have ended.
        usual: what the newest request held, in micro-dollars: what the next one is likely to need.
        spent: what was spent by span when the coordinator answered last.
        held: what the coordinator held then for all isolates.
        seen: the number of the last change of cooldowns that the coordinator has told.
        told: the cooldowns that the coordinator knows, by place.
        down_until_s: until when the coordinator is not asked.
        settling_until_s: until when a request is about to report.
        listened_until_s: until when the coordinator is not asked only to learn from it.
    """

    grants: dict[str, Grant] = field(default_factory=dict)
    usual: int = 0
    spent: dict[Span, int] = field(default_factory=dict)
    held: int = 0
    seen: int = 0
    told: dict[str, Cooldown] = field(default_factory=dict)
    down_until_s: float = 0.0
    settling_until_s: float = 0.0
    listened_until_s: float = 0.0

    def is_down(self, now_s: float) -> bool:
        """Return whether the coordinator did not answer a moment ago."""
        return now_s < self.down_until_s

    def begin(self, ticket: str, *, needs_money: bool, needs_count: bool, now_s: float) -> bool:
        """Begin a request by what was leased; return False if the coordinator has to be asked."""
        leased = [each for each in self.grants.values() if each.may_use("", now_s)]
        if not leased or (needs_money and self.free(ticket, now_s) < max(1, self.usual)):
            return False
        if needs_count:
            counted = [each for each in leased if each.counts]
            if not counted or not counted[-1].requests:
                return False
            counted[-1].requests -= 1  # of the newest: so an isolate has no more than one slice of a minute
        return True

    def ask(self, grant_id: str, ticket: str, now_s: float) -> Grant:
        """Note that a grant is asked for. Without an answer, what the request costs counts under its id."""
        grant = Grant(asked_at_s=now_s, owner=ticket)
        self.grants[grant_id] = grant
        return grant

    def use(self, grant: Grant, granted: Granted, *, counts: bool, is_limited: bool) -> None:
        """Use what was granted. The lease begins when it was asked for: it ends here before it ends there.

        Args:
            grant: as ``ask`` has returned it.
            granted: the coordinator's answer.
            counts: whether the request itself is counted in it.
            is_limited: whether the coordinator counts its request as in flight.
        """
        if grant.has_ended:
            return  # the request has ended meanwhile; the grant is given back
        grant.free = granted.micros
        grant.counts = counts
        grant.requests = max(0, granted.requests - counts)
        grant.leased_until_s = grant.asked_at_s + granted.for_ms / 1000 if granted.for_ms else 0.0
        grant.busy = is_limited

    def note(self, reply: Reply) -> None:
        """Remember the coordinator's sums."""
        granted = reply.outcome.micros if isinstance(reply.outcome, Granted) else 0
        self.spent, self.held = {**reply.spent}, reply.held + granted

    def free(self, ticket: str, now_s: float) -> int:
        """Return what a request may take at once."""
        return sum(each.free for each in self.grants.values() if each.may_use(ticket, now_s))

    def held_by(self, ticket: str) -> int:
        """Return what a request holds."""
        return sum(each.held.get(ticket, 0) for each in self.grants.values())

    def take(self, ticket: str, micros: int, now_s: float) -> int:
        """Let a request hold an amount in all, or as much of it as there is; return how much is missing."""
        self.usual = micros
        missing = max(0, micros - self.held_by(ticket))
        for each in self.grants.values():
            if each.may_use(ticket, now_s) and (taken := min(each.free, missing)):
                each.free -= taken
                each.held[ticket] = each.held.get(ticket, 0) + taken
                missing -= taken
        return missing

    def end(self, ticket: str, spent: int) -> None:
        """Count what a request has cost, in place of what it holds. Its grants end unless they are leases."""
        used = [each for each in self.grants.values() if ticket in each.held or each.owner == ticket]
        left = spent
        for each in used:
            held = each.held.pop(ticket, 0)
            counted = min(held, left)
            each.spent += counted
            each.free += held - counted
            left -= counted
            if each.owner == ticket:
                each.busy = False
                each.has_ended = each.has_ended or not each.leased_until_s
        if left and used:  # it has cost more than it held, or the coordinator did not answer
            used[-1].spent += left
            for each in self.grants.values():  # all that is free pays for it, before more than was granted is
                taken = min(each.free, left)
                each.free -= taken
                left -= taken

    @property
    def leased_until_s(self) -> float:
        """Until when other requests may use what was granted; 0 if there is no lease."""
        return max((each.leased_until_s for each in self.grants.values() if not each.has_ended), default=0.0)

    @property
    def is_due(self) -> bool:
        """Whether the coordinator has to be told something."""
        return any(each.is_due for each in self.grants.values())

    @property
    def has_spent(self) -> bool:
        """Whether what it has to be told is more than that grants are given back unused."""
        return any(each.is_due and (each.spent or each.held) for each in self.grants.values())

    @property
    def is_idle(self) -> bool:
        """Whether no request in flight holds anything, or waits for an answer."""
        return not any(
            each.held or (not each.has_ended and not each.leased_until_s) for each in self.grants.values()
        )

    def end_leases(self, now_s: float, *, give_back: bool) -> None:
        """End the leases that are over; with ``give_back`` all of them."""
        for each in self.grants.values():
            if each.leased_until_s and (give_back or now_s >= each.leased_until_s):
                each.has_ended = True

    def reports(self) -> tuple[Report, ...]:
        """Return what the coordinator does not know yet, with each grant's state in a report of its own."""
        if len(self.grants) > MAX_UNREPORTED:
            ended = [name for name, each in self.grants.items() if each.has_ended and not each.held]
            for name in ended[: len(self.grants) - MAX_UNREPORTED]:
                del self.grants[name]
        due = [(name, each) for name, each in self.grants.items() if each.is_due]
        made = []
        for name, each in due[:MAX_REPORTS]:
            each.number += 1
            spent, held, unused, busy = each.state
            report = Report(
                id=name,
                number=each.number,
                at_ms=int(each.asked_at_s * 1000),
                spent=spent,
                held=held,
                unused=unused,
                busy=busy,
            )
            made.append(report)
        return tuple(made)

    def confirm(self, reports: tuple[Report, ...]) -> None:
        """Note that the coordinator has these reports. Grants that have ended are forgotten."""
        for report in reports:
            grant = self.grants.get(report.id)
            if grant is None:
                continue
            if report.number == grant.number:
                grant.reported = (report.spent, report.held, report.unused, report.busy)
            if grant.has_ended and not grant.held and not grant.busy and grant.reported == grant.state:
                del self.grants[report.id]
