"""The ``llm`` command line, with the gateway's models in its extra-openai-models.yaml."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from llm.cli import cli
from rig import (
    ANSWER,
    CITY_SCHEMA,
    CUT_OFF,
    CUT_OFF_TEXT,
    EXHAUSTED,
    EXHAUSTED_CALLS,
    LISTED,
    QUESTION,
    WEATHER,
    Gateway,
    Upstream,
)

CLIENT = PACKAGE = "llm"
GET_WEATHER = 'def get_weather(city: str) -> str:\n    "The weather in a city."\n    return "rain"'

Llm = Callable[..., Result]


@pytest.fixture
def llm(tmp_path: Path, gateway: Gateway) -> Llm:
    """A function that runs ``llm`` with a model and further command-line words."""

    def run(model: str, *words: str, key: str = gateway.key) -> Result:
        entry = {
            "model_id": "asked",
            "model_name": model,
            "api_base": gateway.v1,
            "api_key_name": "gateway",
            "supports_schema": True,
            "supports_tools": True,
        }
        # JSON is YAML.
        (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([entry]), encoding="utf-8")
        (tmp_path / "keys.json").write_text(json.dumps({"gateway": key}), encoding="utf-8")
        runner = CliRunner(env={"LLM_USER_PATH": str(tmp_path)})
        return runner.invoke(cli, ["-m", "asked", *words, QUESTION])

    return run


@pytest.mark.shows("plain")
def test_it_prints_an_answer(llm: Llm) -> None:
    assert llm("sim/ok", "--no-stream").stdout == f"{ANSWER}\n"


@pytest.mark.shows("stream")
def test_it_prints_a_stream(llm: Llm) -> None:
    assert llm("sim/ok").stdout == f"{ANSWER}\n"


@pytest.mark.shows("tools")
def test_a_tools_result_leads_to_text(llm: Llm) -> None:
    done = llm("sim/tools", "--functions", GET_WEATHER, "--td")
    assert done.stdout == f"{WEATHER}\n"
    assert "get_weather({'city': 'Oslo'})" in done.stderr


@pytest.mark.shows("structured")
def test_it_prints_json_by_a_schema(llm: Llm) -> None:
    assert json.loads(llm("sim/json", "--schema", json.dumps(CITY_SCHEMA)).stdout) == {"city": "Canberra"}


@pytest.mark.shows("errors")
def test_a_wrong_key_is_an_error(llm: Llm) -> None:
    done = llm("sim/ok", key="wrong")
    assert (done.exit_code, "401" in done.stderr) == (1, True)


@pytest.mark.shows("errors")
def test_a_rate_limit_is_an_error_and_not_tried_again(limited: str, llm: Llm, upstream: Upstream) -> None:
    done = llm(limited)
    assert (done.exit_code, "429" in done.stderr) == (1, True)
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
def test_an_exhausted_chain_is_an_error_and_not_tried_again(llm: Llm, upstream: Upstream) -> None:
    done = llm(EXHAUSTED)
    assert (done.exit_code, "502" in done.stderr) == (1, True)
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_cut_off_stream_is_an_error_after_its_text(model: str, llm: Llm) -> None:
    done = llm(model)
    assert (done.exit_code, done.stdout) == (1, CUT_OFF_TEXT)
    assert "was cut off" in done.stderr


@pytest.mark.shows("fallback")
@pytest.mark.skip(reason="no way to add a field")
def test_models_are_the_chain() -> None:
    raise NotImplementedError


@pytest.mark.shows("models")
def test_it_prints_the_models(tmp_path: Path, gateway: Gateway) -> None:
    runner = CliRunner(env={"LLM_USER_PATH": str(tmp_path)})
    done = runner.invoke(cli, ["openai", "endpoint", gateway.v1, "--models", "--key", gateway.key])
    assert set(LISTED) <= set(done.stdout.splitlines())
