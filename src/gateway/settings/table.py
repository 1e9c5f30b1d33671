"""All that can be set, as one table: its default as it would be written, how it is read, what it means.

Secrets come from ``wrangler secret put``; everything else from ``[vars]``, with a default that works.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.frozen import dataclass
from gateway.settings.keys import as_keys
from gateway.settings.parse_value import (
    HOUR_MS,
    ParseValue,
    as_base_url,
    as_budget_usd,
    as_count_or_unlimited,
    as_flag,
    as_header_text,
    as_model,
    as_models,
    as_origins,
    as_webhook,
    as_whole,
)
from gateway.settings.task_routes import as_task_routes
from gateway.settings.upstreams import as_upstreams


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table: its default as it would be written, how it is read, what it means."""

    default: str
    cast: ParseValue
    meaning: str
    secret: bool = False


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "OPENROUTER_API_KEY": Setting(
            "", as_header_text, "OpenRouter's key. The only thing that must be set.", True
        ),
        "GATEWAY_KEYS": Setting(
            "",
            as_keys,
            "Who may call: `name:token`, one a line or comma-separated; or JSON, which can bind a key to "
            "models. Nobody without.",
            True,
        ),
        "ALLOW_CLIENT_KEYS": Setting(
            "false",
            as_flag,
            "Lets callers in who send an OpenRouter key of their own, which then pays for their requests.",
        ),
        "BUDGET_DAY_USD": Setting(
            "0", as_budget_usd, "What all keys together may spend in a UTC day. 0: anything."
        ),
        "BUDGET_MONTH_USD": Setting("0", as_budget_usd, "The same, in a calendar month."),
        "ALERT_WEBHOOK_URL": Setting(
            "",
            as_webhook,
            "Where to say that 50, 80 and 100 % of a budget are spent: JSON as Slack takes it.",
            True,
        ),
        "LEDGER_DAYS": Setting("90", as_whole(1, 3_650), "How long the ledger keeps a request's row."),
        "DEFAULT_MODEL": Setting("openrouter/auto", as_model, "The model of a request that names none."),
        "FALLBACK_MODELS": Setting("", as_models, "What follows `DEFAULT_MODEL` in its chain, in order."),
        "FALLBACK_MODEL": Setting(
            "", as_models, "The same, for one model; read when `FALLBACK_MODELS` is empty."
        ),
        "TASK_ROUTES": Setting(
            "",
            as_task_routes,
            "JSON: names such as `task/code`, and the chain that each stands for, beside the built-in ones.",
        ),
        "UPSTREAMS": Setting(
            "",
            as_upstreams,
            "JSON: OpenAI-compatible upstreams that a chain may ask directly, as `direct:NAME/MODEL`.",
        ),
        "OPENROUTER_BASE_URL": Setting(
            "https://openrouter.ai/api/v1", as_base_url, "The upstream. HTTPS, unless its host is loopback."
        ),
        "DEADLINE_MS": Setting("240000", as_whole(1, HOUR_MS), "The whole chain, until a model commits."),
        "ATTEMPT_MS": Setting(
            "0",
            as_whole(0, HOUR_MS),
            "One attempt, until it commits. 0: what is left, shared by the models left.",
        ),
        "FIRST_TOKEN_MS": Setting(
            "60000", as_whole(1, HOUR_MS), "A stream's first progress: text, reasoning, tool call."
        ),
        "IDLE_MS": Setting("60000", as_whole(1, HOUR_MS), "Between progress, once a stream has committed."),
        "STREAM_GUARD_EVENTS": Setting(
            "unlimited",
            as_count_or_unlimited,
            "How many events of a committed stream are watched before the rest passes unseen, at next to "
            "no cost. 0 suits the free plan: a stream that breaks off then just ends.",
        ),
        "RETRIES": Setting(
            "1", as_whole(0, 10), "Further tries of one model, where that is worth more than the next."
        ),
        "MAX_ATTEMPTS": Setting(
            "40",
            as_whole(1, 1_000),
            "How many attempts one request may make in all. The free plan allows 50 calls a request.",
        ),
        "SITE_URL": Setting(
            "", as_header_text, "Sent as `HTTP-Referer`: who this app is, for OpenRouter's rankings."
        ),
        "APP_TITLE": Setting("", as_header_text, "Sent as `X-OpenRouter-Title` and `X-Title`."),
        "CORS_ORIGINS": Setting(
            "", as_origins, "Origins whose pages may call, or `*`. None: no browser may."
        ),
        "CATALOG_TTL_S": Setting(
            "3600", as_whole(60, 604_800), "How long the list of models counts as fresh."
        ),
        "MAX_BODY_BYTES": Setting("10485760", as_whole(1, 100_000_000), "The largest request body."),
        "OPEN_ON_LOOPBACK": Setting(
            "false",
            as_flag,
            "Lets calls to a loopback host in without a key. `make dev` sets it; leave it alone.",
        ),
    }
)
