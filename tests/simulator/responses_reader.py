"""A strict reader of Responses streams: it checks the numbers, the order, and that the pieces add up."""

from typing import Any

from tests.simulator.rig import named_events_of

DONE = "data: [DONE]\n\n"
TERMINAL = {"response.completed", "response.incomplete", "response.failed"}
_PIECES = {
    "response.output_text": ("text", "content_index"),
    "response.refusal": ("refusal", "content_index"),
    "response.reasoning_text": ("text", "content_index"),
    "response.reasoning_summary_text": ("text", "summary_index"),
    "response.function_call_arguments": ("arguments", None),
    "response.custom_tool_call_input": ("input", None),
}
Event = dict[str, Any]


def responses_events_of(text: str) -> list[Event]:
    """Return the events before `[DONE]`; each has its name, and a number that rises by one."""
    events = named_events_of(text.removesuffix(DONE))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def types_of(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def checked_response(events: list[Event]) -> Event:
    """Return the last response object, if all that was streamed adds up to it."""
    assert types_of(events)[:2] == ["response.created", "response.in_progress"]
    assert events[0]["response"]["status"] == "in_progress"
    assert events[-1]["type"] == f"response.{events[-1]['response']['status']}"
    done: list[Event] = []
    item, said = None, ""
    for event in events[2:-1]:
        assert event["output_index"] == len(done)
        kind, _, step = event["type"].rpartition(".")
        if event["type"] == "response.output_item.added":
            assert item is None
            item, said = event["item"], ""
        elif event["type"] == "response.output_item.done":
            assert item is not None
            assert (event["item"]["id"], event["item"]["type"]) == (item["id"], item["type"])
            done.append(event["item"])
            item = None
        else:
            assert item is not None
            assert event["item_id"] == item["id"]
        if kind in _PIECES:
            field, index = _PIECES[kind]
            assert index is None or event[index] == 0
            said += event.get("delta", "")
            assert step == "delta" or event[field] == said
    response: Event = events[-1]["response"]
    assert item is None
    assert [_without_status(each) for each in response["output"]] == [_without_status(each) for each in done]
    return response


def _without_status(item: Event) -> Event:
    """Return an item without its status: the last one of an incomplete response is incomplete."""
    return {key: value for key, value in item.items() if key != "status"}
