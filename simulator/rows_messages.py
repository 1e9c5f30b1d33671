"""Table rows of what only Anthropic Messages has, and of models that refuse what is in a request."""

from collections.abc import Iterator

from simulator import costless, errors, messages_only, refusals, responses_only
from simulator.coder import CODER
from simulator.dialects.dialect import Dialect
from simulator.dialects.messages import MESSAGES
from simulator.dialects.responses import RESPONSES
from simulator.errors import refusing
from simulator.healthy import answering, judged
from simulator.messages_only import in_messages, message
from simulator.per_dialect import Alter, altered, per_dialect
from simulator.responses_events import created, stray, with_event, with_second_done
from simulator.row import Behaviour
from simulator.steps import Pair
from simulator.timing import reasons_plain, reasons_stream

_MAX_MS, _MAX_TOKENS = 600_000, 100_000_000


def request_rows() -> Iterator[Behaviour]:
    """Yield the rows of models that go by what is in the request."""

    def row(name: str, does: str, pair: Pair, example: int | str = "", most: int = 0) -> Behaviour:
        return Behaviour(name, "request", does, pair, example, 0, most)

    signed = refusing(refusals.has_foreign_signature, answering(refusals.signed_answer))
    encrypted = refusing(refusals.has_foreign_signature, answering(refusals.encrypted_answer))
    yield row(
        "signs-<name>",
        "Signed reasoning, then as coder (tools but no task: as tools); 400 if the request has a signature "
        "of another model. `signature` (Responses: `encrypted_content`) is `signed-by:<model>:<hash>`.",
        signed,
        "alpha",
    )
    yield row(
        "encrypts-<name>",
        "As signs, with encrypted reasoning alone (`reasoning.encrypted`; Messages: `redacted_thinking`; "
        "Responses: no summary).",
        encrypted,
        "alpha",
    )
    yield row(
        "rejects-thinking-display",
        "400 `thinking.display: Extra inputs are not permitted` while the body has it; otherwise as coder.",
        refusing(refusals.has_thinking_display, CODER),
    )
    yield row(
        "rejects-tool-type",
        "400 while a tool has a type other than `custom` or `function`; otherwise as coder.",
        refusing(refusals.has_unknown_tool_type, CODER),
    )
    yield row(
        "rejects-<field>",
        "400 `<field>: Extra inputs are not permitted` while the body has this field; otherwise as coder.",
        refusing(refusals.has_field, CODER),
        "messages",
    )
    yield row(
        "prompt-limit-<n>",
        "400 `prompt is too long: N tokens > n maximum` while it is; otherwise as coder.",
        refusing(refusals.is_too_long, CODER),
        1,
        _MAX_TOKENS,
    )
    yield row("tools-flagged", "As tools; `safeguard_results` flag the call (Messages).", judged("flagged"))
    yield row("tools-unjudged", "As tools, without `safeguard_results`.", judged(None))


def messages_rows() -> Iterator[Behaviour]:
    """Yield the rows of what Messages has; elsewhere they are as ok if nothing else is said."""

    def row(name: str, does: str, pair: Pair) -> Behaviour:
        return Behaviour(name, "messages", does, pair)

    def altering(in_messages: Alter, in_responses: Alter | None = None) -> Pair:
        alters: dict[Dialect, Alter | None] = {MESSAGES: in_messages, RESPONSES: in_responses}
        return per_dialect({dialect: altered(alter) for dialect, alter in alters.items() if alter})

    yield Behaviour(
        "withheld-<n>ms",
        "messages",
        "A thinking block, pings every 200 ms for n ms, its signature, then text; Responses: a reasoning "
        "item, comments, its end, then text; elsewhere as reasons.",
        per_dialect(
            {MESSAGES: messages_only.WITHHELD, RESPONSES: responses_only.WITHHELD},
            Pair(reasons_plain, stream=reasons_stream),
        ),
        50,
        0,
        _MAX_MS,
    )
    yield Behaviour(
        "chat-envelope-<code>",
        "messages",
        "As status, but in chat's envelope.",
        in_messages(Pair.same(errors.status_in_chats_envelope), Pair.same(errors.status_script)),
        400,
        300,
        599,
    )
    yield row("no-cost", "As ok, without cost in `usage`; chat: the same.", costless.PAIR)
    yield row("pings", "As ok, a ping after each event.", altering(messages_only.with_pings))
    yield row(
        "done-named",
        "As ok, then `event: data` with `[DONE]`.",
        altering(messages_only.with_named_done, messages_only.with_named_done),
    )
    yield row("done-unnamed", "As ok, then an unnamed `[DONE]`.", altering(messages_only.with_unnamed_done))
    yield row(
        "second-start",
        "As ok, a second `message_start` (Responses: `response.created`) between the deltas.",
        altering(messages_only.with_second_start, with_event(created)),
    )
    yield row(
        "stray-delta",
        "As ok, a delta of a block (Responses: an item) that was never started.",
        altering(messages_only.with_stray_delta, with_event(stray)),
    )
    yield row(
        "second-stop",
        "As ok, its block stopped twice (Responses: its item is done twice).",
        altering(messages_only.with_second_stop, with_second_done),
    )
    yield row(
        "pause-turn",
        "A `server_tool_use` block, stop reason `pause_turn`.",
        message(messages_only.SEARCHING, "pause_turn"),
    )
    yield row(
        "server-tool",
        "A `server_tool_use` block, its result block, text.",
        message(messages_only.SEARCHED, "end_turn"),
    )
    yield row(
        "compaction",
        "A `compaction` block, stop reason `compaction`.",
        message(messages_only.COMPACTED, "compaction"),
    )
    yield row(
        "context-exceeded",
        "Text, stop reason `model_context_window_exceeded`.",
        message(messages_only.SPOKEN, "model_context_window_exceeded"),
    )
