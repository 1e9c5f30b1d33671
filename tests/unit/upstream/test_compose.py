import json
from typing import Any

import pytest

from gateway.routing.chain import Candidate
from gateway.settings.caller import Caller
from gateway.settings.price import Price
from gateway.settings.settings import Settings
from gateway.upstream.compose import Composer
from tests.support.planning import parsed

CAPPED = Candidate(model="a/one", asked="a/one", max_price=Price(prompt=1.0, completion=2.0))


def sent(**fields: object) -> dict[str, Any]:
    composer = Composer(parsed(**fields), Caller(name="tests"), Settings.from_env(lambda _: None))
    request = composer.request_for(CAPPED, None)
    body: dict[str, Any] = json.loads(request.body)
    return body


@pytest.mark.parametrize(
    ("requested", "limits"),
    [
        (None, {"prompt": 1.0, "completion": 2.0}),
        ({}, {"prompt": 1.0, "completion": 2.0}),
        ({"prompt": 50, "completion": 100}, {"prompt": 1.0, "completion": 2.0}),
        ({"prompt": 0.5}, {"prompt": 0.5, "completion": 2.0}),
        ({"prompt": "0.5", "image": 1}, {"prompt": "0.5", "completion": 2.0, "image": 1}),
        ({"prompt": None, "completion": "cheap"}, {"prompt": 1.0, "completion": 2.0}),
        ({"prompt": -1}, {"prompt": 1.0, "completion": 2.0}),
        ("none", {"prompt": 1.0, "completion": 2.0}),
    ],
    ids=repr,
)
def test_a_caller_cannot_raise_a_routes_price_ceiling(requested: object, limits: dict[str, object]) -> None:
    body = sent(provider={"sort": "price", "max_price": requested})

    assert body["provider"] == {"sort": "price", "max_price": limits}


def test_without_a_provider_field_only_the_routes_ceiling_is_sent() -> None:
    assert sent()["provider"] == {"max_price": {"prompt": 1.0, "completion": 2.0}}
