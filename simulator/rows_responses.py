"""Table rows of what only Responses has; in other dialects they are as ok if nothing else is said."""

from collections.abc import Iterator

from simulator import errors, responses_events, responses_failing, responses_only
from simulator.dialects.chat_forms import error_object
from simulator.dialects.responses_forms import flat_error, nested_error
from simulator.healthy import answering, tool_answer
from simulator.hidden import REASONING_ONLY
from simulator.per_dialect import Alter, altered
from simulator.responses_events import numbered, with_event
from simulator.responses_failing import AFTER, BEFORE
from simulator.responses_only import in_responses, output
from simulator.row import Behaviour
from simulator.steps import Pair

GROUP = "responses"


def responses_rows() -> Iterator[Behaviour]:
    """Yield the rows of what only Responses has."""
    yield from _failing_rows()
    yield from _unended_rows()
    yield from _event_rows()
    yield from _item_rows()


def _failing_rows() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair, example: str = "") -> Behaviour:
        return Behaviour(name, GROUP, does, pair, example)

    yield row(
        "failed-before-<name>",
        "`response.failed` before the first item; the name is a code (`server_error`, `insufficient_quota`) "
        "or an `error_type` (`rate_limit_exceeded`, `provider_overloaded`). Plain: 200, `status: failed`.",
        responses_failing.failing(BEFORE, responses_failing.named),
        "server_error",
    )
    yield row(
        "failed-after-<name>",
        "3 pieces of text, then as failed-before; plain: 200, `status: failed` after the text.",
        responses_failing.failing(AFTER, responses_failing.named),
        "server_error",
    )
    forms = {
        "flat": ("`code` and `message` in the event", flat_error),
        "nested": ("`error` in the event", lambda turn, fault: nested_error(turn, error_object(fault))),
    }
    for form, (does, event_of) in forms.items():
        yield row(
            f"error-{form}-before",
            f"An `error` event before the first item, {does}; plain: as failed-before.",
            responses_failing.error_event(BEFORE, event_of),
        )
        yield row(
            f"error-{form}-after",
            f"3 pieces of text, then an `error` event, {does}; plain: as failed-after.",
            responses_failing.error_event(AFTER, event_of),
        )
    yield Behaviour(
        "status-word-<code>",
        GROUP,
        "As status, with a word as code (`server_error`) instead of the number.",
        in_responses(Pair.same(responses_failing.status_with_word), Pair.same(errors.status_script)),
        503,
        300,
        599,
    )


def _unended_rows() -> Iterator[Behaviour]:
    row, events = _event_row, responses_events
    yield row(
        "no-terminal", "All items done, no `response.completed`; plain: as ok.", events.without_terminal
    )
    yield row(
        "no-terminal-done", "As no-terminal, then `[DONE]`; plain: as ok.", events.with_done_for_terminal
    )
    yield row("no-terminal-open", "As no-terminal, but the item is not done.", events.with_open_item)
    yield Behaviour(
        "no-terminal-tools",
        GROUP,
        "As tools, without `response.completed`; elsewhere as tools.",
        in_responses(altered(events.without_terminal, tool_answer), answering(tool_answer)),
    )
    yield Behaviour(
        "no-terminal-reasoning",
        GROUP,
        "As reasoning-only, without `response.completed`; elsewhere as reasoning-only.",
        in_responses(
            altered(events.without_terminal, lambda _: REASONING_ONLY),
            answering(REASONING_ONLY),
        ),
    )
    yield row("no-usage", "The last event has no usage; plain: as ok.", events.without_field("usage"))
    yield row("no-output", "The last event has no output; plain: as ok.", events.without_field("output"))
    yield row("output-lost", "The last event has an empty output; plain: as ok.", events.without_items)


def _event_rows() -> Iterator[Behaviour]:
    row, events = _event_row, responses_events
    yield row("no-created", "Begins with the first item.", events.without_created)
    yield row("sequence-restarts", "The numbers begin again in the text.", numbered(events.restarting))
    yield row("sequence-skips", "Ten numbers are left out in the text.", numbered(events.skipping))
    yield row("unnumbered", "No event has a number.", numbered(lambda _: None))
    yield row("unnamed", "No event has a name line.", events.unnamed)
    yield row("unknown-event", "An event of an unknown type in the text.", with_event(events.unknown))
    yield row("debug-event", "`response.debug` before the first item.", with_event(events.debug, 2))


def _item_rows() -> Iterator[Behaviour]:
    def row(name: str, does: str, items_of: responses_only.Items) -> Behaviour:
        return Behaviour(name, GROUP, does, output(items_of))

    only = responses_only
    yield row("web-search", "A `web_search_call`, and text that cites it.", only.searched)
    yield row("image-only", "An `image_generation_call`, a partial image first, and no text.", only.drawn)
    yield row("tools-two", "Two calls of the first tool in one answer.", only.called_twice)
    yield row("reasoning-text", "Reasoning as `reasoning_text`, no summary; then text.", only.thought_aloud)
    yield row("unknown-item", "An item of an unknown type, then text.", only.with_unknown_item)


def _event_row(name: str, does: str, alter: Alter) -> Behaviour:
    return Behaviour(name, GROUP, does, in_responses(altered(alter)))
