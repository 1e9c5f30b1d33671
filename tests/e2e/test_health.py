"""Health: the Worker runs unchanged, on the Python version that each runtime stands for."""

from collections.abc import Callable

import pytest

from tests.support.runtimes import Gateway

PYTHONS = {"workerd": "3.12.", "pyodide-0.28": "3.13.", "pyodide-314": "3.14."}


@pytest.mark.smoke
def test_health_needs_no_key(gateway: Gateway) -> None:
    with gateway.client(headers={}) as client:
        answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["status"] == "ok"


def test_each_runtime_has_the_expected_python_version(gateway: Gateway) -> None:
    if not gateway.is_ours:
        pytest.skip("the Python version of a gateway given by --base-url is unknown")
    with gateway.client() as client:
        assert client.get("/health").json()["python"].startswith(PYTHONS[gateway.runtime])


def test_a_gateway_without_keys_refuses_requests(start_gateway: Callable[..., Gateway]) -> None:
    closed = start_gateway(GATEWAY_KEYS=None)
    with closed.client() as client:
        assert client.get("/health").json()["status"] == "incomplete"
        assert client.post("/v1/chat/completions", json={"messages": []}).status_code == 401
