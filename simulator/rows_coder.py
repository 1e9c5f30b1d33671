"""Table rows of the scripted coding agent that breaks; the healthy one is a row of models that answer."""

from collections.abc import Iterator

from simulator.blocks import after_block, before_last_piece, cut, failing, in_block, reset, stalled
from simulator.coder import coder_answer, judging
from simulator.healthy import answering
from simulator.row import Behaviour
from simulator.steps import Pair


def coder_rows() -> Iterator[Behaviour]:
    """Yield the rows of coding agents that break in each of their turns; `-once` limits that."""

    def row(name: str, does: str, pair: Pair) -> Behaviour:
        return Behaviour(name, "coder", does, pair)

    begun, spoken = in_block(coder_answer), after_block(coder_answer)
    yield row("coder-cut", "As coder, cut off in its first block; plain: as cut-json.", cut(begun))
    yield row("coder-reset", "As coder, a TCP reset in its first block; plain: as reset-after.", reset(begun))
    yield row(
        "coder-stall", "As coder, silent from its first block on; plain: as stall-after.", stalled(begun)
    )
    yield row(
        "coder-error", "As coder, an error event in its first block; plain: as error-first.", failing(begun)
    )
    yield row("coder-cut-block", "As coder, cut off after its first block; plain: as cut-json.", cut(spoken))
    yield row(
        "coder-error-block",
        "As coder, an error event after its first block; plain: as error-first.",
        failing(spoken),
    )
    yield row(
        "coder-cut-tool",
        "As coder, cut off before the last piece of a tool's arguments; plain: as cut-json.",
        cut(before_last_piece(coder_answer)),
    )
    yield row(
        "coder-flagged",
        "As coder; `safeguard_results` flag each tool call (Messages).",
        answering(judging("flagged")),
    )
    yield row("coder-unjudged", "As coder, without `safeguard_results`.", answering(judging(None)))
