"""The caller of a request: the name of its key, and what the key allows."""

from collections.abc import Mapping
from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json
from gateway.settings.budget import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The caller of a request. ``settings.keys.GatewayKey`` explains the attributes that are not listed here.

    Attributes:
        name: the name of its key. The gateway key itself is not stored.
        own_key: the caller's own OpenRouter key, which is used instead of the gateway's; None: the gateway's
            key is used. ``repr`` does not show it.
    """

    name: str
    models: tuple[str, ...] | None = None
    admin: bool = False
    budget: Budget = field(default_factory=Budget)
    per_minute: int | None = None
    concurrent: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    own_key: str | None = field(default=None, repr=False)
