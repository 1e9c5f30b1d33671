"""Checks a running gateway against its OpenAPI document."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.runtimes import Gateway

RUN_S = 240
# Checks that random requests cannot pass: their model need not exist; their time limits may be too short for
# an answer (a correct 504); the runtime's HTTP server rejects the method QUERY; and every request here has
# the key, so it cannot be left out (tests/e2e/test_access.py tests that).
LEFT_OUT = "positive_data_acceptance,not_a_server_error,unsupported_method,ignored_auth"

# The default statuses of a refusal, and 413: a generated body may hold more values than MAX_BODY_VALUES.
CONFIG = """[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "413", "415", "422", "428", "429", "5xx"]
"""


def document(gateway: Gateway) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    with gateway.client() as client:
        response = client.get("/openapi.json")
    assert response.status_code == 200
    value: dict[str, dict[str, dict[str, dict[str, object]]]] = response.json()
    return value


def test_random_requests_are_answered_as_documented(gateway: Gateway, tmp_path: Path) -> None:
    if gateway.is_ours and gateway.runtime != "pyodide-314":
        pytest.skip("the core needs one runtime only; many aborts may crash the 2024 workerd")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{gateway.base_url}/openapi.json"]
    command += [
        "--url",
        gateway.base_url,
        "--max-examples",
        "30",
        "--exclude-path-regex",
        "^/api/",
        "--exclude-checks",
        LEFT_OUT,
        "--no-color",
    ]
    command += [word for name, value in gateway.headers.items() for word in ("--header", f"{name}:{value}")]

    (tmp_path / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
    run = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, cwd=tmp_path, check=False)  # noqa: S603  # our own command line

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]
    if gateway.is_ours:
        assert "internal_error" not in gateway.log_text()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/chat/completions"])
def test_every_example_is_answered(gateway: Gateway, path: str) -> None:
    operation = document(gateway)["paths"][path]["post"]
    body = operation["requestBody"]
    assert isinstance(body, dict)
    examples = body["content"]["application/json"]["examples"]

    with gateway.client() as client:
        statuses = {
            name: client.post(path, json=each["value"]).status_code for name, each in examples.items()
        }

    assert set(statuses.values()) == {200}, statuses
