"""Answers as data. Each dialect has its own wire forms for them."""

import json
from dataclasses import dataclass
from typing import Any

from simulator.steps import Tally
from simulator.turn import Turn, tokens_of

Json = dict[str, Any]
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call. A stream sends the name in its first piece, and then the arguments in pieces.

    `custom`: a custom tool of Responses, whose input is any text.
    """

    id: str
    name: str
    arguments: tuple[str, ...]
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's answer; each piece is one event of a stream.

    The finish reason is chat's word. `verdict` is the outcome of the check of tool calls (`safeguards`, in
    Messages only); None: the model makes no such check.
    """

    pieces: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    tool: ToolCall | None = None
    image_url: str | None = None
    refusal: str | None = None
    finish_reason: str = "stop"
    signature: str | None = None
    encrypted: str | None = None
    verdict: str | None = "not_flagged"
    cached: bool = False  # half of the prompt was read from the provider's cache

    @property
    def content(self) -> str | None:
        """The text; None when OpenRouter sends null (for tool calls without text, and refusals)."""
        return None if (self.tool or self.refusal) and not self.pieces else "".join(self.pieces)


def dumps(value: object) -> bytes:
    """Return compact JSON in UTF-8 without escapes, as OpenRouter sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def tally_of(turn: Turn, answer: Answer) -> Tally:
    """Return the tokens and the cost of an answer; they depend on the request and the answer only."""
    reasoning = tokens_of(sum(map(len, answer.reasoning)) + len(answer.encrypted or ""))
    spoken = [*answer.pieces, answer.refusal or "", *(answer.tool.arguments if answer.tool else ())]
    completion = reasoning + tokens_of(
        sum(map(len, spoken)) + (len(answer.image_url) if answer.image_url else 0)
    )
    prompt = turn.prompt_tokens
    cost = prompt * turn.price.prompt_nano_usd + completion * turn.price.completion_nano_usd
    cached = prompt // 2 if answer.cached else 0
    return Tally(prompt, completion, reasoning, cost, answer.finish_reason, cached)


def cost_fields(turn: Turn, tally: Tally, prompt: str = "prompt", completions: str = "completions") -> Json:
    """Return the fields of `usage` that say the cost, in USD; the two names are the dialect's."""
    prompt_nano_usd = tally.prompt_tokens * turn.price.prompt_nano_usd
    return {
        "cost": tally.cost_nano_usd / 1e9,
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": None,
            f"upstream_inference_{prompt}_cost": prompt_nano_usd / 1e9,
            f"upstream_inference_{completions}_cost": (tally.cost_nano_usd - prompt_nano_usd) / 1e9,
        },
    }
