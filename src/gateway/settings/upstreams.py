"""Upstreams beside OpenRouter, asked directly: declared by whoever runs the gateway, in ``UPSTREAMS`` alone.

A link of a chain that is named ``direct:NAME/MODEL`` is asked for ``MODEL`` at the upstream ``NAME``.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, object_or_empty
from gateway.http.message import OPENROUTER
from gateway.settings.parse_value import as_base_url, as_object
from gateway.settings.price import Price, as_price

DIRECT = "direct:"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_FIELDS = ("base_url", "secret", "usd_per_million_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectUpstream:
    """One OpenAI-compatible upstream.

    Attributes:
        base_url: what ``/chat/completions`` follows.
        secret: the name of the secret that holds its key; None where it wants none.
        prices: what it charges, by model; the price of one that is not there is not known.
    """

    name: str
    base_url: str
    secret: str | None
    prices: Mapping[str, Price]


def as_upstreams(raw: str) -> tuple[DirectUpstream, ...]:
    """Return the upstreams that ``UPSTREAMS`` declares: a JSON object from each one's name to what it is."""
    upstreams = tuple(_upstream(name, value) for name, value in as_object(raw).items())
    hosts: dict[str, str] = {}
    for each in upstreams:
        host = urlsplit(each.base_url).netloc
        if each.secret and hosts.setdefault(each.secret, host) != host:
            raise ValueError(f"gives the secret {each.secret} to two hosts: a key goes to one only")
    return upstreams


def split_direct(model: str) -> tuple[str, str] | None:
    """Return the upstream's name, and the model's there, of ``direct:NAME/MODEL``; None for other names."""
    if not model.startswith(DIRECT):
        return None
    name, _, asked = model.removeprefix(DIRECT).partition("/")
    return name, asked


def _upstream(name: str, value: Json) -> DirectUpstream:
    fields = object_or_empty(value)
    if not _NAME.fullmatch(name) or name == OPENROUTER:
        raise ValueError("must name each upstream in lower case: letters, digits, - and _; not `openrouter`")
    if not isinstance(value, dict) or not fields.keys() <= set(_FIELDS):
        raise ValueError(f"must give `{name}` an object of {', '.join(_FIELDS)}")
    base_url = fields.get("base_url")
    try:
        return DirectUpstream(
            name=name,
            base_url=as_base_url(base_url if isinstance(base_url, str) else ""),
            secret=_secret(fields.get("secret")),
            prices=_prices(fields.get("usd_per_million_tokens")),
        )
    except ValueError as error:
        raise ValueError(f"is wrong at `{name}`, which {error}") from None


def _prices(value: Json) -> dict[str, Price]:
    """Return what is charged by model: half a price would lift a ceiling without a word."""
    prices = {model: as_price(price) for model, price in object_or_empty(value).items()}
    halves = any(each.prompt is None or each.completion is None for each in prices.values())
    if halves or (value is not None and not isinstance(value, dict)):
        raise ValueError("must give `usd_per_million_tokens` a prompt and a completion price for each model")
    return prices


def _secret(value: Json) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _SECRET_NAME.fullmatch(value):
        raise ValueError("must name its secret in capitals, digits and _")
    return value
