"""A whole coding task, played as Claude Code and Codex play it."""

import json
from typing import Any

import httpx
import pytest

from tests.simulator.responses_reader import checked_response, responses_events_of
from tests.simulator.rig import Rig, fresh_user, named_events_of

PROMPT = 'Please: FILE=/tmp/a.txt OLD="good day" NEW=hello'
NAMES = ("Bash", "Edit", "Read", "Write")


class Disk:
    """Does what the tools say, on one file."""

    def __init__(self) -> None:
        self.files = {"/tmp/a.txt": "good day, world"}  # noqa: S108  # no file is written

    def run(self, name: str, given: dict[str, str]) -> str:
        if name == "Bash":
            return self.files[given["command"].removeprefix("cat ")]
        if name == "Write":
            self.files[given["file_path"]] = given["content"]
        if name == "Edit":
            text = self.files[given["file_path"]]
            self.files[given["file_path"]] = text.replace(given["old_string"], given["new_string"])
        return self.files[given["file_path"]]


def _prompt() -> list[dict[str, Any]]:
    reminder = {"type": "text", "text": "<system-reminder>Be careful.</system-reminder>"}
    return [{"role": "user", "content": [reminder, {"type": "text", "text": PROMPT}]}]


def _play(sim: Rig, model: str, names: tuple[str, ...] = NAMES) -> tuple[list[str], str, Disk]:
    disk, messages = Disk(), _prompt()
    called: list[str] = []
    tools = [{"name": name, "input_schema": {}} for name in names]
    for _ in range(5):
        content = sim.messages(model, messages=messages, tools=tools).json()["content"]
        messages.append({"role": "assistant", "content": content})
        calls = [block for block in content if block["type"] == "tool_use"]
        if not calls:
            return called, content[-1]["text"], disk
        called += [call["name"] for call in calls]
        results = [
            {
                "type": "tool_result",
                "tool_use_id": call["id"],
                "content": disk.run(call["name"], call["input"]),
            }
            for call in calls
        ]
        messages.append({"role": "user", "content": results})
    raise AssertionError("the coder does not come to an end")


@pytest.mark.parametrize(
    "model",
    ["sim/coder", "sim/signs-alpha", "anthropic/claude-opus-5.5", "~anthropic/claude-opus-latest"],
)
@pytest.mark.parametrize(
    ("names", "steps"), [(NAMES, ["Read", "Edit"]), (("Bash", "Write"), ["Bash", "Write"])]
)
def test_the_coder_reads_edits_and_says_that_it_is_done(
    sim: Rig, model: str, names: tuple[str, ...], steps: list[str]
) -> None:
    called, text, disk = _play(sim, model, names)
    assert called == steps
    assert text.startswith("Done")
    assert disk.files == {"/tmp/a.txt": "hello, world"}  # noqa: S108  # no file is written


def test_without_a_task_or_tools_the_coder_is_like_ok(sim: Rig) -> None:
    usual = sim.messages("sim/ok").json()["content"]
    assert sim.messages("sim/coder").json()["content"] == usual
    assert sim.messages("sim/coder", messages=_prompt()).json()["content"] == usual
    assert sim.messages("sim/coder", tools=[{"name": "Read"}, {"name": "Edit"}]).json()["content"] == usual


def test_the_coder_stops_when_a_tool_fails(sim: Rig) -> None:
    tools = [{"name": name} for name in NAMES]
    content = sim.messages("sim/coder", messages=_prompt(), tools=tools).json()["content"]
    failed = {"type": "tool_result", "tool_use_id": content[-1]["id"], "content": "no file", "is_error": True}
    history = [
        *_prompt(),
        {"role": "assistant", "content": content},
        {"role": "user", "content": [failed]},
    ]
    answer = sim.messages("sim/coder", messages=history, tools=tools).json()
    assert (answer["stop_reason"], answer["content"][0]["text"][:11]) == ("end_turn", "I could not")


def test_the_coder_works_in_chat_too(sim: Rig) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": PROMPT}]
    tools = [{"type": "function", "function": {"name": name}} for name in NAMES]
    called: list[str] = []
    for _ in range(3):
        message = sim.chat("sim/coder", messages=messages, tools=tools).json()["choices"][0]["message"]
        messages.append(message)
        for call in message.get("tool_calls", []):
            called.append(call["function"]["name"])
            assert json.loads(call["function"]["arguments"])["file_path"] == "/tmp/a.txt"  # noqa: S108
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": "good day"})
    assert called == ["Read", "Edit"]
    assert messages[-1]["content"].startswith("Done")


@pytest.mark.parametrize(
    ("model", "last", "complete_blocks"),
    [
        ("sim/coder-cut", "content_block_delta", 0),
        ("sim/coder-error", "error", 0),
        ("sim/coder-cut-block", "content_block_stop", 1),
        ("sim/coder-error-block", "error", 1),
        ("sim/coder-cut-tool", "content_block_delta", 1),
    ],
)
def test_a_coder_breaks_twice_and_then_goes_on(sim: Rig, model: str, last: str, complete_blocks: int) -> None:
    tools, user = [{"name": name} for name in NAMES], {"user_id": fresh_user()}

    def types() -> list[str]:
        body = {"model": f"{model}-twice", "messages": _prompt(), "tools": tools, "metadata": user}
        answer = sim.client.post(f"{sim.url}/messages", json={**body, "stream": True})
        return [event["type"] for event in named_events_of(answer.text)]

    for _ in range(2):
        broken = types()
        assert broken[-1] == last
        assert broken.count("content_block_stop") == complete_blocks
    assert types()[-1] == "message_stop"


def test_a_coder_can_be_reset_in_its_first_block(sim: Rig) -> None:
    with pytest.raises(httpx.ReadError):
        sim.messages("sim/coder-reset", stream=True)


def test_a_faulty_model_turns_into_a_coder_after_its_first_calls(sim: Rig) -> None:
    tools, user = [{"name": name} for name in NAMES], fresh_user()
    answers = [sim.messages("sim/status-529-once", user, messages=_prompt(), tools=tools) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [529, 200]
    assert answers[1].json()["stop_reason"] == "tool_use"


SHELL = {"type": "function", "name": "exec_command", "parameters": {"type": "object"}}
PATCH = {"type": "custom", "name": "apply_patch", "format": {"type": "text"}}
OTHERS = [{"type": "namespace", "name": "multi_agent_v1", "tools": []}, {"type": "web_search"}]
CONTEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<cwd>/tmp</cwd>"}]}
READ = "Chunk ID: 1\nProcess exited with code 0\nOutput:\ngood day, world\n"


def _codex_steps(
    sim: Rig, model: str, user: str | None = None, /, *tools: dict[str, Any], result: str = READ
) -> list[dict[str, Any]]:
    """Return the calls that the coder makes, and its last message, as Codex gets them."""
    prompt = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": PROMPT}]}
    history: list[dict[str, Any]] = [CONTEXT, prompt]
    steps: list[dict[str, Any]] = []
    for _ in range(5):
        answer = sim.ask("/responses", model, user, input=history, tools=[*tools, *OTHERS], stream=True)
        response = checked_response(responses_events_of(answer.text))
        history += response["output"]
        last = response["output"][-1]
        steps.append(last)
        if last["type"] == "message":
            return steps
        history.append({"type": f"{last['type']}_output", "call_id": last["call_id"], "output": result})
    raise AssertionError("the coder does not come to an end")


def test_the_coder_patches_a_file_with_codexs_tools(sim: Rig) -> None:
    read, edit, said = _codex_steps(sim, "sim/coder", None, SHELL, PATCH)
    assert json.loads(read["arguments"]) == {"cmd": "cat /tmp/a.txt"}
    assert (edit["type"], edit["name"]) == ("custom_tool_call", "apply_patch")
    assert edit["input"].splitlines() == [
        *("*** Begin Patch", "*** Update File: /tmp/a.txt", "@@"),
        *("-good day, world", "+hello, world", "*** End Patch"),
    ]
    assert said["content"][0]["text"].startswith("Done")


@pytest.mark.parametrize(("name", "field"), [("exec_command", "cmd"), ("shell_command", "command")])
def test_the_coder_edits_in_the_shell_if_there_is_nothing_else(sim: Rig, name: str, field: str) -> None:
    read, edit, said = _codex_steps(sim, "sim/coder", None, {**SHELL, "name": name})
    commands = [json.loads(call["arguments"])[field] for call in (read, edit)]
    assert commands == ["cat /tmp/a.txt", "sed -i 's/good day/hello/g' /tmp/a.txt"]
    assert said["type"] == "message"


def test_a_command_that_fails_ends_the_coders_work(sim: Rig) -> None:
    failed = "Process exited with code 1\nOutput:\ncat: /tmp/a.txt: No such file or directory\n"
    *_, said = _codex_steps(sim, "sim/coder", None, SHELL, result=failed)
    assert said["content"][0]["text"].startswith("I could not")


@pytest.mark.parametrize("model", ["sim/signs-alpha", "sim/encrypts-alpha", "openai/gpt-6.1-sol"])
def test_every_model_that_codes_does_it_for_codex(sim: Rig, model: str) -> None:
    assert len(_codex_steps(sim, model, None, SHELL, PATCH)) == 3


@pytest.mark.parametrize(
    "model",
    ["sim/coder-cut", "sim/coder-cut-tool", "sim/coder-error", "sim/failed-before-server_error"],
)
def test_a_model_that_breaks_for_codex_goes_on_after_its_first_call(sim: Rig, model: str) -> None:
    user = fresh_user()
    broken = sim.ask("/responses", f"{model}-once", user, tools=[SHELL], stream=True)
    assert "response.completed" not in broken.text
    assert len(_codex_steps(sim, f"{model}-once", user, SHELL, PATCH)) == 3
