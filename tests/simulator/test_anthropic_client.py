from collections.abc import Iterator

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam, ToolResultBlockParam

from tests.simulator.rig import Rig

QUESTION: list[MessageParam] = [{"role": "user", "content": "Hello"}]
TASK: list[MessageParam] = [{"role": "user", "content": "FILE=/notes.txt OLD=one NEW=two"}]
TOOLS: list[ToolParam] = [{"name": name, "input_schema": {"type": "object"}} for name in ("Read", "Edit")]


@pytest.fixture
def client(sim: Rig) -> Iterator[anthropic.Anthropic]:
    base_url = sim.url.removesuffix("/v1")  # the client adds it
    with anthropic.Anthropic(base_url=base_url, api_key="sk-or-test", max_retries=0, timeout=5) as client:
        yield client


def _streamed(client: anthropic.Anthropic, model: str) -> anthropic.types.Message:
    with client.messages.stream(model=model, messages=QUESTION, max_tokens=100) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("model", ["sim/ok", "anthropic/claude-sonnet-4.6"])
def test_the_anthropic_client_gets_a_plain_answer(client: anthropic.Anthropic, model: str) -> None:
    answer = client.messages.create(model=model, messages=QUESTION, max_tokens=100)
    assert answer.model == model
    assert answer.content[0].type == "text"
    assert answer.content[0].text == "Canberra is the capital of Australia."


@pytest.mark.parametrize(
    ("model", "blocks", "stop_reason"),
    [
        ("sim/ok", ["text"], "end_turn"),
        ("sim/tools", ["tool_use"], "tool_use"),
        ("sim/reasoning", ["thinking", "text"], "end_turn"),
        ("sim/withheld-50ms", ["thinking", "text"], "end_turn"),
        ("sim/encrypts-alpha", ["redacted_thinking", "text"], "end_turn"),
        ("sim/server-tool", ["server_tool_use", "web_search_tool_result", "text"], "end_turn"),
        ("sim/pause-turn", ["server_tool_use"], "pause_turn"),
        ("sim/filtered", [], "refusal"),
        ("sim/length", ["thinking"], "max_tokens"),
        ("sim/pings", ["text"], "end_turn"),
        ("sim/done-unnamed", ["text"], "end_turn"),
        ("sim/no-done", ["text"], "end_turn"),
        ("sim/cut-after", ["text"], None),
    ],
)
def test_the_anthropic_client_puts_a_stream_together(
    client: anthropic.Anthropic, model: str, blocks: list[str], stop_reason: str | None
) -> None:
    answer = _streamed(client, model)
    assert [block.type for block in answer.content] == blocks
    assert answer.stop_reason == stop_reason


def test_the_anthropic_client_does_not_bear_a_named_done(client: anthropic.Anthropic) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        _streamed(client, "sim/done-named")


@pytest.mark.parametrize("model", ["sim/error-first", "sim/error-mid"])
def test_the_anthropic_client_raises_the_error_of_a_stream(client: anthropic.Anthropic, model: str) -> None:
    with pytest.raises(anthropic.APIStatusError) as raised:
        _streamed(client, model)
    assert raised.value.status_code == 200


def test_the_anthropic_client_raises_the_error_of_a_status(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(model="sim/retry-after-1", messages=QUESTION, max_tokens=100)
    assert isinstance(raised.value.body, dict)
    assert raised.value.body["error"]["error_type"] == "rate_limit_exceeded"


def test_a_loop_of_tools_comes_to_its_end(client: anthropic.Anthropic) -> None:
    messages, called, reasons = [*TASK], [], []
    for _ in range(3):
        with client.messages.stream(
            model="sim/coder", messages=messages, max_tokens=100, tools=TOOLS
        ) as stream:
            answer = stream.get_final_message()
        reasons.append(answer.stop_reason)
        messages.append({"role": "assistant", "content": answer.content})
        for block in answer.content:
            if block.type == "tool_use":
                called.append((block.name, block.input["file_path"]))
                result: ToolResultBlockParam = {
                    "type": "tool_result",
                    "tool_use_id": block.id,
                    "content": "one",
                }
                messages.append({"role": "user", "content": [result]})
    assert called == [("Read", "/notes.txt"), ("Edit", "/notes.txt")]
    assert reasons == ["tool_use", "tool_use", "end_turn"]
