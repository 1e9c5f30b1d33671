"""Who calls: the name of its key, and what the key allows."""

from collections.abc import Mapping
from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json
from gateway.settings.budget import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the name of its key, never the key, and what goes with it; see ``keys.GatewayKey``.

    Attributes:
        own_key: the caller's own key for OpenRouter, which is then used instead of the gateway's; it stands
            in no representation.
    """

    name: str
    models: tuple[str, ...] | None = None
    admin: bool = False
    budget: Budget = field(default_factory=Budget)
    per_minute: int | None = None
    concurrent: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    own_key: str | None = field(default=None, repr=False)
