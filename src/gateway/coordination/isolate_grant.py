"""One grant of a coordinator, as the isolate that has it knows it: what is free, held and spent of it."""

from dataclasses import field

from gateway.http.frozen import dataclass


@dataclass(slots=True)
class Grant:
    """One grant. Amounts are micro-dollars, times Unix times.

    Attributes:
        asked_at_s: when the isolate asked for it.
        owner: the request for which it was asked.
        leased_until_s: until when other requests may use it.
        free: what no request holds.
        held: what each request in flight holds.
        spent: what its requests have cost.
        counts: whether requests were granted with it.
        requests: how many of them may still begin.
        busy: whether the coordinator counts its request as in flight.
        has_ended: whether nothing may be taken of it any more.
        number: of its last report.
        reported: what its last confirmed report said.
    """

    asked_at_s: float
    owner: str
    leased_until_s: float = 0.0
    free: int = 0
    held: dict[str, int] = field(default_factory=dict)
    spent: int = 0
    counts: bool = False
    requests: int = 0
    busy: bool = False
    has_ended: bool = False
    number: int = 0
    reported: tuple[int, int, int, bool] | None = None

    def may_use(self, ticket: str, now_s: float) -> bool:
        """Return whether a request may take something of the grant."""
        return not self.has_ended and (ticket == self.owner or now_s < self.leased_until_s)

    @property
    def state(self) -> tuple[int, int, int, bool]:
        """What a report says: spent, held, unused requests, and whether its request is in flight."""
        held = sum(self.held.values())
        if self.has_ended:
            return self.spent, held, self.requests, self.busy
        return self.spent, held + self.free, 0, self.busy

    @property
    def is_due(self) -> bool:
        """Whether the coordinator has to be told: the grant has ended, or has cost something."""
        must_be_told = self.has_ended or bool(self.leased_until_s and self.spent)
        return must_be_told and self.reported != self.state
