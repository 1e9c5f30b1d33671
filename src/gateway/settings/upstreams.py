"""Direct upstreams: APIs of OpenAI's or Anthropic's kind that the gateway calls without OpenRouter.

The operator declares them in ``UPSTREAMS``, and nowhere else. A candidate of a chain with the name
``direct:NAME/MODEL`` means the model ``MODEL`` at the upstream ``NAME``.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, object_or_empty
from gateway.http.message import OPENROUTER
from gateway.settings.parse_value import as_base_url, as_object
from gateway.settings.price import Price, as_price

DIRECT = "direct:"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_SECRET_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_FIELDS = ("base_url", "secret", "usd_per_million_tokens", "dialects", "format")
# The wire formats that an upstream of each kind may speak. The first one counts if it names none.
# Anthropic's API takes its key in a header of its own.
FORMATS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "openai": (
        "chat",
        "responses",
        "completions",
        "embeddings",
        "rerank",
        "images",
        "speech",
        "transcriptions",
    ),
    "anthropic": ("messages",),
})  # fmt: skip  # one format a line
_KEY_HEADERS: Mapping[str, str] = MappingProxyType({"openai": "authorization", "anthropic": "x-api-key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectUpstream:
    """One direct upstream.

    Attributes:
        name: the ``NAME`` in ``direct:NAME/MODEL``.
        base_url: the URL without ``/chat/completions`` or ``/messages``.
        secret: the name of the secret that holds its key; None if it requires no key.
        prices: its prices by model; the price of a model that is missing is not known.
        dialects: the names of the wire formats that it speaks.
        key_header: the header that carries its key.
    """

    name: str
    base_url: str
    secret: str | None
    prices: Mapping[str, Price]
    dialects: frozenset[str]
    key_header: str


def as_upstreams(raw: str) -> tuple[DirectUpstream, ...]:
    """Return the direct upstreams from ``UPSTREAMS``, a JSON object from names to declarations."""
    upstreams = tuple(_upstream(name, value) for name, value in as_object(raw).items())
    hosts: dict[str, str] = {}
    for each in upstreams:
        host = urlsplit(each.base_url).netloc
        if each.secret and hosts.setdefault(each.secret, host) != host:
            raise ValueError(f"gives the secret {each.secret} to two hosts: a key may go to one host only")
    return upstreams


def split_direct(model: str) -> tuple[str, str] | None:
    """Return ``NAME`` and ``MODEL`` of ``direct:NAME/MODEL``; None for a name without that prefix."""
    if not model.startswith(DIRECT):
        return None
    name, _, upstream_model = model.removeprefix(DIRECT).partition("/")
    return name, upstream_model


def _upstream(name: str, value: Json) -> DirectUpstream:
    fields = object_or_empty(value)
    if not _NAME.fullmatch(name) or name == OPENROUTER:
        raise ValueError("must name each upstream with lower-case letters, digits, - and _; not `openrouter`")
    if not isinstance(value, dict) or not fields.keys() <= set(_FIELDS):
        raise ValueError(f"must give `{name}` an object of {', '.join(_FIELDS)}")
    base_url = fields.get("base_url")
    try:
        kind = _format(fields.get("format"))
        return DirectUpstream(
            name=name,
            base_url=as_base_url(base_url if isinstance(base_url, str) else ""),
            secret=_secret(fields.get("secret")),
            prices=_prices(fields.get("usd_per_million_tokens")),
            dialects=_dialects(fields.get("dialects"), FORMATS[kind]),
            key_header=_KEY_HEADERS[kind],
        )
    except ValueError as error:
        raise ValueError(f"is wrong at `{name}`: it {error}") from None


def _format(value: Json) -> str:
    if value is None:
        return next(iter(FORMATS))
    if not isinstance(value, str) or value not in FORMATS:
        raise ValueError(f"must have as `format` one of: {', '.join(FORMATS)}")
    return value


def _dialects(value: Json, known: tuple[str, ...]) -> frozenset[str]:
    """Return the wire formats that an upstream speaks."""
    if value is None:
        return frozenset(known[:1])
    if not isinstance(value, list) or not value or any(each not in known for each in value):
        raise ValueError(f"must have as `dialects` a list of: {', '.join(known)}")
    return frozenset(map(str, value))


def _prices(value: Json) -> dict[str, Price]:
    """Return the prices by model. Both prices are required: cost ceilings do not work with only one."""
    prices = {model: as_price(price) for model, price in object_or_empty(value).items()}
    incomplete = any(each.prompt is None or each.completion is None for each in prices.values())
    if incomplete or (value is not None and not isinstance(value, dict)):
        raise ValueError(
            "must have a prompt and a completion price for each model in `usd_per_million_tokens`"
        )
    return prices


def _secret(value: Json) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _SECRET_NAME.fullmatch(value):
        raise ValueError("must have a `secret` with a name of capital letters, digits and _")
    return value
