"""Table rows of models that answer, of recorded payloads, and of plain error statuses."""

from collections.abc import Iterator

from simulator import coder, continuing, errors, healthy, timing
from simulator.healthy import OK_PAIR, answering
from simulator.replay import replaying
from simulator.row import Behaviour
from simulator.samples import chat_samples
from simulator.steps import Pair

HEALTHY = "healthy"
_MAX_MS, _MAX_EVENTS, _MAX_BYTES, _MAX_S = 600_000, 1_000_000, 50_000_000, 86_400


def healthy_rows() -> Iterator[Behaviour]:
    """Yield the rows of models that answer."""

    def row(name: str, does: str, pair: Pair, example: int = 0, most: int = 0) -> Behaviour:
        return Behaviour(name, HEALTHY, does, pair, example, 0, most)

    slow = Pair(timing.slow(OK_PAIR.plain), stream=timing.slow(OK_PAIR.stream))
    comments = Pair(timing.comments_plain, stream=timing.comments_stream)
    drip = Pair(timing.drip_plain, stream=timing.drip_stream)
    long = Pair(answering(timing.long_answer).plain, stream=timing.long_stream)
    yield row("ok", "A short answer.", OK_PAIR)
    yield row(
        "ok-usage-empty-choices",
        "As ok; the stream's usage chunk has `choices: []` (Messages, Responses: as ok).",
        Pair(OK_PAIR.plain, stream=timing.usage_empty_choices),
    )
    yield row("slow-<n>ms", "Silent for n ms before the headers, then as ok.", slow, 50, _MAX_MS)
    yield row(
        "comments-<n>ms",
        "`: OPENROUTER PROCESSING` every 200 ms for n ms, then as ok; plain: blank lines, then the JSON.",
        comments,
        300,
        _MAX_MS,
    )
    yield row(
        "reasons-<n>ms",
        "Reasons unseen: comments every 200 ms for n ms, then reasoning and text; plain: blank lines, then "
        "the JSON. `sim/reasons-50000ms` is in the model list, as a model that always reasons.",
        Pair(timing.reasons_plain, stream=timing.reasons_stream),
        50,
        _MAX_MS,
    )
    yield row(
        "late-<n>ms",
        "A role-only delta, then silence for n ms, then as ok; plain: the headers first.",
        Pair(timing.late_plain, stream=timing.late_stream),
        50,
        _MAX_MS,
    )
    yield row(
        "drip-<n>ms", "20 events of text, n ms before each; plain: the JSON in 20 pieces.", drip, 5, _MAX_MS
    )
    yield row(
        "long-<n>",
        "n events of one word (250 to 350 bytes each), unpaced; plain: n words.",
        long,
        40,
        _MAX_EVENTS,
    )
    yield row("bytes-<n>", "JSON of about n bytes.", answering(healthy.bytes_answer), 20_000, _MAX_BYTES)
    yield row(
        "tools",
        "A call of the first tool, arguments streamed in pieces; text once the last message has a tool's "
        "result. A `transfer_to_…` tool is called if the prompt names it. Messages with `safeguards`: "
        "`not_flagged`. Completions: its arguments as text.",
        answering(healthy.tool_answer),
    )
    yield row(
        "coder",
        "Reads, then edits the file of a prompt that says `FILE=/path OLD=words NEW=words`, with the tools "
        "Read and Edit (or Bash, Write; Codex: exec_command, apply_patch); then text. Without such tools or "
        "prompt: as ok.",
        coder.CODER,
    )
    yield row("cached", "As ok; half of the prompt was read from the cache.", answering(healthy.CACHED))
    yield row("reasoning", "Reasoning, then text.", answering(healthy.REASONING))
    yield row(
        "image",
        "Text and an image in `message.images` (Responses: an `image_generation_call`; Messages and "
        "completions: only the text).",
        answering(healthy.IMAGE),
    )
    yield row("json", "The content is a JSON object.", answering(healthy.JSON))
    yield row(
        "refusal",
        "A refusal instead of content (Responses: a refusal part; Messages and completions: as text).",
        answering(healthy.REFUSAL),
    )
    yield row(
        "length",
        "Finish reason length (Messages: `max_tokens`; Responses: incomplete by `max_output_tokens`) after "
        "reasoning only: empty content, and yet a valid answer.",
        answering(healthy.LENGTH),
    )
    yield row("continues", "As ok; after a prefill it goes on exactly where that stops.", continuing.EXACT)
    yield row(
        "continues-last-words",
        "As ok; after a prefill it repeats the last two words, and goes on.",
        continuing.LAST_WORDS,
    )
    yield row("continues-whole", "As ok; after a prefill it repeats it, and goes on.", continuing.WHOLE)
    yield row(
        "refuses-prefill",
        "400 if the last message has the role assistant; otherwise as continues-last-words.",
        continuing.REFUSED,
    )
    yield row("echo", "The content is the body that arrived.", answering(healthy.echo_answer))


def recorded_rows() -> Iterator[Behaviour]:
    """Yield a row for each recorded payload: it is what chat sends, and is sent in every dialect."""
    for sample in chat_samples():
        yield Behaviour(sample.stem, "recorded", f"{sample.status}. {sample.note}.", replaying(sample))


def status_rows() -> Iterator[Behaviour]:
    """Yield the rows of error statuses."""

    def row(name: str, does: str, pair: Pair, *, example: int, least: int = 0, most: int) -> Behaviour:
        return Behaviour(name, "status", does, pair, example, least, most)

    yield row(
        "status-<code>",
        "That status (300 to 599) with OpenRouter's wording for it, in the dialect's envelope.",
        Pair.same(errors.status_script),
        example=503,
        least=300,
        most=599,
    )
    yield row(
        "retry-after-<s>",
        "429 of the provider's shared pool with `Retry-After: s` and `retry_after_seconds`.",
        Pair.same(errors.retry_after),
        example=7,
        most=_MAX_S,
    )
    yield row(
        "retry-date-<s>",
        "503 with `Retry-After` as an HTTP date.",
        Pair.same(errors.retry_date),
        example=30,
        most=_MAX_S,
    )
