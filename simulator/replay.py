"""Scripts that replay a sample, or the equivalent in the other form (plain or stream)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from simulator import framing
from simulator.answers import Json, dumps
from simulator.errors import bad_gateway
from simulator.recast import joined, soft_payloads, stream_payloads
from simulator.samples import Sample, with_fresh_times
from simulator.steps import Break, Complete, Headers, Pair, Script, Step, Tally, Write

_HEALTHY_STREAMS = ("sse-01", "sse-02", "sse-03")
_CUT = ("sse-07",)  # the recording stops in the middle of an event: the socket was closed


def replaying(sample: Sample) -> Pair:
    """Return the scripts of the model that is named after this sample."""
    family = sample.stem.split("-")[0]
    return _FAMILIES[family](sample)


def _error(sample: Sample) -> Pair:
    return Pair.same(_as_recorded(sample))


def _answer(sample: Sample) -> Pair:
    return Pair(_as_recorded(sample), stream=_as_stream(sample, stream_payloads))


def _soft(sample: Sample) -> Pair:
    return Pair(_as_recorded(sample), stream=_as_stream(sample, soft_payloads))


def _sse(sample: Sample) -> Pair:
    plain = _as_plain(sample) if sample.stem.startswith(_HEALTHY_STREAMS) else bad_gateway
    return Pair(plain, stream=_recorded_events(sample))


_FAMILIES: Mapping[str, Callable[[Sample], Pair]] = {
    "err": _error,
    "ok": _answer,
    "soft": _soft,
    "sse": _sse,
}


def _as_recorded(sample: Sample) -> Script:
    payload: Json = json.loads(sample.text)

    def script(_: object) -> Iterable[Step]:
        headers = {name: with_fresh_times(value) for name, value in sample.headers.items()}
        return (Complete(sample.status, with_fresh_times(sample.text).encode(), headers, _tally(payload)),)

    return script


def _recorded_events(sample: Sample) -> Script:
    def script(_: object) -> Iterator[Step]:
        yield Headers(sample.headers)
        for block in with_fresh_times(sample.text).rstrip("\n").split("\n\n"):
            cut = not block.startswith(":") and not _is_complete(block)
            tally = None if cut else _tally(_payload(block))
            framed = block if cut else f"{block}\n\n"
            yield Write(framed.encode(), int(block.startswith("data: ") and not cut), tally)
        if sample.stem.startswith(_CUT):
            yield Break.CLOSE

    return script


def _as_stream(sample: Sample, payloads_of: Callable[[Json], Iterable[Json]]) -> Script:
    payload: Json = json.loads(sample.text)

    def script(_: object) -> Iterator[Step]:
        yield Headers({**sample.headers, "content-type": "text/event-stream", "cache-control": "no-cache"})
        for chunk in payloads_of(payload):
            yield framing.write(framing.Event(chunk, tally=_tally(chunk)))
        if "error" not in payload:
            yield framing.write(framing.DONE)

    return script


def _as_plain(sample: Sample) -> Script:
    body = joined([chunk for block in sample.text.split("\n\n") if (chunk := _payload(block))])
    headers = {"content-type": "application/json", "x-generation-id": str(body["id"])}
    answer = Complete(200, dumps(body), headers, _tally(body))
    return lambda _: (answer,)


def _is_complete(block: str) -> bool:
    return block == "data: [DONE]" or _payload(block) is not None


def _payload(block: str) -> Json | None:
    try:
        parsed = json.loads(block.removeprefix("data: "))
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _tally(payload: Json | None) -> Tally | None:
    """Return the tokens and the cost in the payload's usage; None if it has none."""
    usage = (payload or {}).get("usage")
    if not isinstance(usage, dict):
        return None
    reasoning = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    finish = next((str(choice["finish_reason"]) for choice in (payload or {})["choices"]), "stop")
    return Tally(
        usage["prompt_tokens"],
        usage["completion_tokens"],
        reasoning,
        round(usage["cost"] * 1e9),
        finish,
    )
