"""A path at which there is nothing: the error says what to use instead, and repeats nothing of the path."""

import time

import pytest

from gateway.app import ROUTES
from gateway.routes.unknown_path import CHAT, NOT_SERVED, unknown_path
from tests.support.canary import CANARY
from tests.support.world import World

pytestmark = pytest.mark.anyio
SERVED = {path: route.methods for path, route in ROUTES.items()}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/v1/chat/completions", CHAT),
        ("/v1/chat/completions/", CHAT),
        ("//v1//chat/completions", CHAT),
        ("/V1/Chat/Completions", CHAT),
        ("/chat/completions", CHAT),
        ("/api/chat/completions", f"/api{CHAT}"),
        ("/api/api/v1/chat/completions", f"/api{CHAT}"),
        ("/api/v1/v1/chat/completions", f"/api{CHAT}"),
        ("/openai/deployments/x/chat/completions", CHAT),
        ("/v1/engines/x/completions", "/v1/completions"),
        ("/api/completions", "/api/v1/completions"),
        ("/v1/auth/key", "/v1/key"),
        ("/api/v1/auth/key", "/api/v1/key"),
        ("/models", "/v1/models"),
        ("/v1/models", None),
        ("/models/openai/gpt", "/v1/models/{author}/{slug}"),
        ("/v1/v1/model/openai/gpt", "/v1/model/{author}/{slug}"),
        ("/v1/health", "/health"),
        ("/api/v1/openapi.json", "/openapi.json"),
    ],
)
async def test_a_path_that_is_nearly_right_is_put_right(path: str, meant: str | None) -> None:
    got = await World().get(path)

    if meant is None:
        assert got.status != 404
    else:
        assert (got.status, got.error["metadata"]["code"]) == (404, "not_found")
        assert got.error["message"] == f"There is nothing at this path. Use {meant}."


@pytest.mark.parametrize("name", NOT_SERVED)
@pytest.mark.parametrize("form", ["/v1/{}", "/{}", "/api/v1/{}/", "/v1/{}/x"])
def test_an_endpoint_that_is_not_served_is_named_with_what_is(name: str, form: str) -> None:
    message = unknown_path(form.format(name), SERVED).message

    assert message.startswith(f"This gateway does not serve {NOT_SERVED[name][0]}. {NOT_SERVED[name][1]}")
    assert all(path in message for path in ROUTES)


@pytest.mark.parametrize("path", ["/", "/v1", "/nothing", "/v1/nothing", "/v1/" + "x" * 100_000])
def test_any_other_path_gets_the_list_of_what_is_served(path: str) -> None:
    message = unknown_path(path, SERVED).message

    assert message.startswith("There is nothing at this path. This gateway serves: POST /v1/chat/completions")
    assert all(path in message for path in ROUTES)
    assert "GET /v1/models/{author}/{slug}" in message


@pytest.mark.parametrize("form", ["/{}", "/v1/{}", "/v1/{}/chat/completions", "/models/{}", "/v1/files/{}"])
def test_nothing_of_the_path_is_repeated(form: str) -> None:
    assert CANARY not in unknown_path(form.format(CANARY), SERVED).message


def test_a_path_of_any_length_takes_no_time() -> None:
    begun_s = time.perf_counter()

    unknown_path("/v1" * 3_000_000, SERVED)

    assert time.perf_counter() - begun_s < 0.2


@pytest.mark.parametrize("path", ["/v1/models/", "/v1/models/a/b/c", "/v1/models/a/b/"])
async def test_a_wrong_path_of_a_model_says_which_are_right(path: str) -> None:
    got = await World().get(path)

    assert got.status == 404
    assert "/v1/models/{author}/{slug}" in got.error["message"]


@pytest.mark.parametrize(
    ("path", "method", "right"), [(CHAT, "GET", "POST"), ("/v1/key", "POST", "GET or HEAD")]
)
async def test_the_right_methods_are_named(path: str, method: str, right: str) -> None:
    got = await World().get(path, method=method)

    assert got.error["message"].startswith(f"Use {right}. This path accepts ")
