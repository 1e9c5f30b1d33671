"""Numbers the events of a Responses stream: the number rises by one, whatever was dropped or added."""

from gateway.http.json_values import JsonObject, whole_or_none

FIELD = "sequence_number"


class Numbers:
    """The numbers of one stream's events.

    Attributes:
        next: the number of the next event.
        are_the_upstreams: whether no event has another number than the upstream gave it.
    """

    def __init__(self) -> None:
        self.next: int | None = None
        self.are_the_upstreams = True

    def set(self, payload: JsonObject) -> bool:
        """Give an event its number; return whether that changed it. The first one keeps its own."""
        here = payload.get(FIELD)
        if self.next is None:
            first = whole_or_none(here)
            self.next = first if first is not None and first >= 0 else 0
        number, self.next = self.next, self.next + 1
        if type(here) is int and here == number:
            return False
        payload[FIELD] = number
        self.are_the_upstreams = False
        return True
