"""The model list over HTTP: listing, filters, single models and endpoints."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from openai import NotFoundError

from gateway.settings.task_routes import DEFAULT_ROUTES
from simulator.catalog import models
from tests.support.chat import error_in, openai
from tests.support.runtimes import Gateway

HAIKU = "anthropic/claude-haiku-4.5"
LIST = "/v1/models"


@pytest.fixture(scope="session")
def models_gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with KV."""
    return start_gateway(bindings=("MODEL_CACHE",))


@pytest.fixture
def client(models_gateway: Gateway) -> Iterator[httpx.Client]:
    with models_gateway.client() as client:
        yield client


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_list_holds_every_model_that_openrouter_has(client: httpx.Client, prefix: str) -> None:
    answer = client.get(prefix + LIST)
    assert answer.status_code == 200
    ids = [each["id"] for each in answer.json()["data"]]
    assert ids == [*(route.name for route in DEFAULT_ROUTES), *models()]


def test_openais_client_lists_and_retrieves(models_gateway: Gateway) -> None:
    with openai(models_gateway) as client:
        listed = {each.id for each in client.models.list()}
        model = client.models.retrieve(HAIKU)
        with pytest.raises(NotFoundError):
            client.models.retrieve("nobody/nothing")
    assert HAIKU in listed
    assert (model.id, model.object, model.owned_by) == (HAIKU, "model", "anthropic")
    extra = model.model_extra
    assert extra is not None
    assert extra["usd_per_million_tokens"] == {"prompt": 1.0, "completion": 5.0}
    assert extra["context_length"] == 200_000


def test_a_gateway_without_kv_shows_models_too(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert client.get(f"{LIST}/{HAIKU}").json()["id"] == HAIKU
        assert client.get(LIST, params={"q": "haiku"}).json()["data"]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "claude haiku"},
        {"supported_parameters": "tools,structured_outputs"},
        {"max_price": "1"},
        {"min_context": "150000"},
        {"free": "true"},
        {"modality": "image"},
    ],
    ids=lambda query: next(iter(query)),
)
def test_a_filter_returns_some_of_the_models(client: httpx.Client, query: dict[str, str]) -> None:
    assert 0 < len(client.get(LIST, params=query).json()["data"]) < len(models())


def test_a_sort_orders(client: httpx.Client) -> None:
    data = client.get(LIST, params={"sort": "price", "max_price": "1000"}).json()["data"]
    highest_prices = [max(each["usd_per_million_tokens"].values()) for each in data]
    assert highest_prices == sorted(highest_prices)


def test_the_error_for_a_wrong_filter_names_it(client: httpx.Client) -> None:
    answer = client.get(LIST, params={"free": "maybe"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "free")


def test_endpoints_are_returned_as_openrouter_sends_them(client: httpx.Client) -> None:
    answer = client.get(f"{LIST}/{HAIKU}/endpoints")
    assert answer.status_code == 200
    assert answer.json()["data"]["id"] == HAIKU
    assert answer.json()["data"]["endpoints"][0]["uptime_last_30m"] > 0
    assert client.get(f"{LIST}/nobody/nothing/endpoints").status_code == 404


def test_the_model_list_needs_a_key(models_gateway: Gateway) -> None:
    with models_gateway.client(headers={}) as client:
        for path in (LIST, f"{LIST}/{HAIKU}", f"{LIST}/{HAIKU}/endpoints"):
            assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    "name", ["..%2fkey", "%2e%2e%2Fkey", "..%5ckey", "a%2f..%2f..%2fkey", "a%252fb", "/key"]
)
@pytest.mark.parametrize("tail", ["", "/endpoints"])
def test_unusual_model_names_do_not_reach_other_paths(client: httpx.Client, name: str, tail: str) -> None:
    assert client.get(f"{LIST}/{name}{tail}").status_code == 404


def test_head_and_a_matching_etag_get_no_body(client: httpx.Client) -> None:
    etag = client.get(LIST).headers["etag"]
    without_body = client.head(LIST)
    again = client.get(LIST, headers={"if-none-match": etag})
    assert (without_body.status_code, without_body.content) == (200, b"")
    assert (again.status_code, again.content) == (304, b"")
    assert int(again.headers["age"]) >= 0


def test_the_error_says_that_openrouter_cannot_be_reached(cut_off_gateway: Gateway) -> None:
    with cut_off_gateway.client() as client:
        listed, endpoints = client.get(LIST), client.get(f"{LIST}/{HAIKU}/endpoints")
    for answer in (listed, endpoints):
        assert answer.json()["error"]["metadata"]["source"] == "openrouter"
        assert answer.json()["error"]["metadata"]["retryable"] is True
    assert (listed.status_code, endpoints.status_code) == (503, 502)


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/models?q=" + "a+" * 150, "q"),
        ("/v1/models?supported_parameters=" + "a," * 2_000, "query"),
        ("/v1/usage?from=" + "1" * 4_000, "query"),
        ("/health?deep=" + "1" * 4_000, "query"),
    ],
)
def test_a_query_that_is_too_long_is_refused(gateway: Gateway, path: str, param: str) -> None:
    with gateway.client() as client:
        answer = client.get(path)
    error = error_in(answer)
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_field", param)
