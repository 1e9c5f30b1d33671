"""The rules of the public Open Responses specification, as far as a server's answers must keep them.

A rule that is broken is an ``AssertionError``. Source: openresponses.org, specification and compliance tests;
the rules are stated here in our own words.
"""

from typing import Any

Payload = dict[str, Any]
NONE = type(None)
NUMBER = (int, float)
# The members that every response has, and their types.
RESPONSE: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "object": (str,),
    "created_at": (int,),
    "completed_at": (int, NONE),
    "status": (str,),
    "incomplete_details": (dict, NONE),
    "model": (str,),
    "previous_response_id": (str, NONE),
    "instructions": (str, NONE),
    "output": (list,),
    "error": (dict, NONE),
    "tools": (list,),
    "tool_choice": (str, dict),
    "truncation": (str,),
    "parallel_tool_calls": (bool,),
    "text": (dict,),
    "top_p": NUMBER,
    "presence_penalty": NUMBER,
    "frequency_penalty": NUMBER,
    "top_logprobs": (int,),
    "temperature": NUMBER,
    "reasoning": (dict, NONE),
    "usage": (dict, NONE),
    "max_output_tokens": (int, NONE),
    "max_tool_calls": (int, NONE),
    "store": (bool,),
    "background": (bool,),
    "service_tier": (str,),
    "metadata": (dict,),
    "safety_identifier": (str, NONE),
    "prompt_cache_key": (str, NONE),
}
ITEMS: dict[str, dict[str, tuple[type, ...]]] = {
    "message": {"id": (str,), "status": (str,), "role": (str,), "content": (list,)},
    "function_call": dict.fromkeys(("id", "call_id", "name", "arguments", "status"), (str,)),
    "reasoning": {"id": (str,), "summary": (list,)},
}
PARTS: dict[str, dict[str, tuple[type, ...]]] = {
    "output_text": {"text": (str,), "annotations": (list,)},
    "refusal": {"refusal": (str,)},
    "reasoning_text": {"text": (str,)},
    "summary_text": {"text": (str,)},
}
# The members of the events, beside their type and number.
_AT = {"item_id": (str,), "output_index": (int,)}
_IN_PART = {**_AT, "content_index": (int,)}
_IN_SUMMARY = {**_AT, "summary_index": (int,)}
_RESPONSE_EVENT: dict[str, tuple[type, ...]] = {"response": (dict,)}
_ITEM_EVENT: dict[str, tuple[type, ...]] = {"output_index": (int,), "item": (dict,)}
EVENTS: dict[str, dict[str, tuple[type, ...]]] = {
    "response.created": _RESPONSE_EVENT,
    "response.in_progress": _RESPONSE_EVENT,
    "response.completed": _RESPONSE_EVENT,
    "response.incomplete": _RESPONSE_EVENT,
    "response.failed": _RESPONSE_EVENT,
    "response.output_item.added": _ITEM_EVENT,
    "response.output_item.done": _ITEM_EVENT,
    "response.content_part.added": {**_IN_PART, "part": (dict,)},
    "response.content_part.done": {**_IN_PART, "part": (dict,)},
    "response.output_text.delta": {**_IN_PART, "delta": (str,), "logprobs": (list,)},
    "response.output_text.done": {**_IN_PART, "text": (str,), "logprobs": (list,)},
    "response.refusal.delta": {**_IN_PART, "delta": (str,)},
    "response.refusal.done": {**_IN_PART, "refusal": (str,)},
    "response.reasoning_summary_part.added": {**_IN_SUMMARY, "part": (dict,)},
    "response.reasoning_summary_part.done": {**_IN_SUMMARY, "part": (dict,)},
    "response.reasoning_summary_text.delta": {**_IN_SUMMARY, "delta": (str,)},
    "response.reasoning_summary_text.done": {**_IN_SUMMARY, "text": (str,)},
    "response.function_call_arguments.delta": {**_AT, "delta": (str,)},
    "response.function_call_arguments.done": {**_AT, "arguments": (str,)},
}
_ENDS = ("response.completed", "response.incomplete", "response.failed")


def check_members(payload: Payload, members: dict[str, tuple[type, ...]], of: str) -> None:
    """Check that an object has these members, of these types."""
    for name, types in members.items():
        assert name in payload, f"{of} has no {name}"
        is_flag = isinstance(payload[name], bool)
        assert isinstance(payload[name], types), f"{of}: {name} is {payload[name]!r}"
        assert not is_flag or bool in types, f"{of}: {name} is {payload[name]!r}"


def check_item(item: Payload) -> None:
    """Check an item of an answer."""
    check_members(item, ITEMS[item["type"]], item["type"])
    for part in [*item.get("content", []), *item.get("summary", [])]:
        check_members(part, PARTS[part["type"]], part["type"])


def check_response(response: Payload) -> None:
    """Check a response object."""
    check_members(response, RESPONSE, "the response")
    assert response["object"] == "response"
    for item in response["output"]:
        check_item(item)
    if response["usage"] is not None:
        counts = dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), (int,))
        details = {"input_tokens_details": (dict,), "output_tokens_details": (dict,)}
        check_members(response["usage"], {**counts, **details}, "the usage")
    if response["status"] == "failed":
        check_members(response["error"], {"code": (str,), "message": (str,)}, "the error")
    else:
        assert response["error"] is None
    assert (response["completed_at"] is not None) is (response["status"] == "completed")


def check_stream(payloads: list[Payload]) -> Payload:
    """Check a stream, and return the response with which it ends."""
    kinds = [each["type"] for each in payloads]
    assert kinds[0] == "response.created"
    assert [kind in _ENDS for kind in kinds] == [False] * (len(kinds) - 1) + [True]
    numbers = [each["sequence_number"] for each in payloads]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for each in payloads:
        check_members(each, EVENTS[each["type"]], each["type"])
        if "response" in each:
            check_response(each["response"])
        elif "item" in each:
            check_item(each["item"])
    assert len({each["response"]["id"] for each in payloads if "response" in each}) == 1
    end = payloads[-1]["response"]
    assert end["status"] == kinds[-1].removeprefix("response.")
    if end["status"] == "completed":
        assert _items_in(payloads) == end["output"]
    return dict(end)


def _items_in(payloads: list[Payload]) -> list[Payload]:
    """Return the items of a stream, each of which was added, filled and done in order."""
    done: list[Payload] = []
    open_item: dict[int, Payload] = {}
    texts: dict[tuple[int, str, int], str | None] = {}
    index: Any
    for each in payloads:
        kind, index = str(each["type"]), each.get("output_index")
        if kind.endswith("output_item.added"):
            assert index == len(done) + len(open_item)
            open_item[index] = {**each["item"], "said": ""}
        elif kind.endswith("output_item.done"):
            item = open_item.pop(index)
            assert not [place for place, text in texts.items() if place[0] == index and text is not None]
            assert (item["id"], item["type"]) == (each["item"]["id"], each["item"]["type"])
            assert item["type"] != "function_call" or item["said"] == each["item"]["arguments"]
            done.append(each["item"])
        elif index is not None:
            assert open_item[index]["id"] == each["item_id"]
            _follow(each, open_item[index], texts)
    assert not open_item
    return done


def _follow(each: Payload, item: Payload, texts: dict[tuple[int, str, int], str | None]) -> None:
    """Follow an event within an item."""
    kind = each["type"]
    field = next((name for name in ("content_index", "summary_index") if name in each), None)
    if field is None:
        item["said"] += each.get("delta", "")
        assert kind.endswith("delta") or each["arguments"] == item["said"]
        return
    place = (each["output_index"], field, each[field])
    if kind.endswith("part.added"):
        assert place not in texts
        texts[place] = ""
        return
    said = texts[place]
    assert said is not None, f"{kind} of a part that is done"
    if kind.endswith(".delta"):
        texts[place] = said + each["delta"]
        return
    whole = each.get("part", each)
    assert whole.get("text", whole.get("refusal")) == said
    if kind.endswith("part.done"):
        texts[place] = None
