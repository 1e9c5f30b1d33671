"""The bill, and the generations that `/generation` returns."""

import json
import time
from dataclasses import dataclass
from typing import Any

from simulator.samples import sample, with_fresh_times
from simulator.steps import Tally
from simulator.turn import PROVIDER

_MAX_GENERATIONS = 20_000
_NOTHING = Tally(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Generation:
    """The stored data of one answer."""

    id: str
    model: str
    stream: bool
    tally: Tally
    cancelled: bool
    ended_s: float
    ms: float

    def as_json(self) -> dict[str, Any]:
        """Return the body of `GET /generation`."""
        cost_usd = self.tally.cost_nano_usd / 1e9
        prompt, completion = self.tally.prompt_tokens, self.tally.completion_tokens
        finish_reason = None if self.cancelled else self.tally.finish_reason
        recorded: dict[str, Any] = _template()["data"]
        return {
            "data": recorded
            | {
                "id": self.id,
                "upstream_id": f"up-{self.id}",
                "request_id": f"req-{self.id}",
                "model": self.model,
                "provider_name": PROVIDER,
                "streamed": self.stream,
                "cancelled": self.cancelled,
                "created_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.ended_s)),
                "finish_reason": finish_reason,
                "native_finish_reason": finish_reason,
                "latency": round(self.ms),
                "generation_time": round(self.ms),
                "total_cost": cost_usd,
                "usage": cost_usd,
                "tokens_prompt": prompt,
                "tokens_completion": completion,
                "native_tokens_prompt": prompt,
                "native_tokens_completion": completion,
                "native_tokens_reasoning": self.tally.reasoning_tokens,
                "native_tokens_cached": self.tally.cached_tokens,
                "provider_responses": [],
            }
        }


class Ledger:
    """Counts costs in whole nano-dollars, so that the sum is exact."""

    def __init__(self, generation_delay_s: float = 0) -> None:
        self._delay_s = generation_delay_s
        self._generations: dict[str, Generation] = {}
        self.cost_nano_usd = 0
        self.requests = 0

    def remember(
        self, generation_id: str, model: str, *, stream: bool, tally: Tally | None, cancelled: bool, ms: float
    ) -> None:
        """Record one answer. An answer costs nothing if the client left before its end."""
        charged = _NOTHING if cancelled or tally is None else tally
        if not cancelled and tally is not None:
            self.cost_nano_usd += charged.cost_nano_usd
            self.requests += 1
        self._generations[generation_id] = Generation(
            generation_id, model, stream, charged, cancelled, time.time(), ms
        )
        if len(self._generations) > _MAX_GENERATIONS:
            del self._generations[next(iter(self._generations))]

    def generation(self, generation_id: str) -> Generation | None:
        """Return an answer by its id, once it is old enough to be found."""
        found = self._generations.get(generation_id)
        return found if found and time.time() - found.ended_s >= self._delay_s else None

    def bill_json(self) -> dict[str, Any]:
        """Return the body of `GET /sim/bill`."""
        return {
            "cost_usd": self.cost_nano_usd / 1e9,
            "cost_micro_usd": round(self.cost_nano_usd / 1000),
            "cost_nano_usd": self.cost_nano_usd,
            "requests": self.requests,
        }

    def key_json(self) -> dict[str, Any]:
        """Return the body of `GET /key`: the recorded one, with the current bill as its usage."""
        answer: dict[str, Any] = json.loads(with_fresh_times(sample("cat-04-key-with-budgets").text))
        data, usage_usd = answer["data"], self.cost_nano_usd / 1e9
        data |= dict.fromkeys(("usage", "usage_daily", "usage_weekly", "usage_monthly"), usage_usd)
        data["limit_remaining"] = max(0.0, data["limit"] - usage_usd)
        for budget in [*data["budgets"], data["effective_budget"]]:
            budget |= {"spend_usd": usage_usd, "remaining_usd": max(0.0, budget["limit_usd"] - usage_usd)}
        return answer


def _template() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(sample("cat-05-generation").text)
    return parsed
