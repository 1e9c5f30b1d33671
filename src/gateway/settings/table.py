"""The table of all settings: each with its default, its parser and its meaning.

Secrets come from ``wrangler secret put``. All other settings come from ``[vars]`` and have a usable default.
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
    as_choice,
    as_count_or_unlimited,
    as_flag,
    as_header_text,
    as_model,
    as_models,
    as_ms_or_none,
    as_origins,
    as_webhook,
    as_whole,
)
from gateway.settings.patience import as_patience
from gateway.settings.task_routes import as_task_routes
from gateway.settings.upstreams import as_upstreams


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table.

    Attributes:
        default: the default as text, as an operator would write it.
        parse: the parser for the text.
        meaning: the meaning of the setting, for the README.
        secret: whether the value is a secret.
    """

    default: str
    parse: ParseValue
    meaning: str
    secret: bool = False


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "OPENROUTER_API_KEY": Setting(
            "", as_header_text, "OpenRouter's API key. The only setting that is required.", True
        ),
        "GATEWAY_KEYS": Setting(
            "",
            as_keys,
            "The keys of callers: `name:token`, one per line or separated by commas; or JSON, which can "
            "limit a key to models. Without it no caller has a key.",
            True,
        ),
        "KEY_CACHE_S": Setting(
            "30",
            as_whole(5, 3_600),
            "How many seconds an isolate goes by what the database said of a key. A revocation, a changed "
            "bound or a rotation holds within this time.",
        ),
        "ALLOW_CLIENT_KEYS": Setting(
            "false",
            as_flag,
            "Lets callers in who send an OpenRouter key of their own, if OpenRouter accepts it. It pays for "
            "their requests.",
        ),
        "BUDGET_DAY_USD": Setting(
            "0", as_budget_usd, "How much all keys together may spend in a UTC day. 0: no limit."
        ),
        "BUDGET_MONTH_USD": Setting("0", as_budget_usd, "The same for a calendar month."),
        "UNKNOWN_PRICE_USD": Setting(
            "1",
            as_budget_usd,
            "Under a budget: what is held for an attempt whose cost is unknown, by its price or its length.",
        ),
        "BUDGET_HOLD": Setting(
            "estimate",
            as_choice("estimate", "worst"),
            "Under a budget: what a request in flight holds. `estimate`: what it will likely cost; many "
            "requests at once can exceed a budget. `worst`: the most that it may cost; few fit at once.",
        ),
        "BUDGET_RESERVATIONS": Setting(
            "true",
            as_flag,
            "Under a budget: whether a row in the ledger reserves what a request holds before its first "
            "call. It costs one write, and an isolate that is killed forgets nothing.",
        ),
        "COORDINATION": Setting(
            "local",
            as_choice("local", "shared", "strict"),
            "Whether isolates count budgets and limits together, by the binding `COORDINATOR`. `local`: each "
            "counts alone. `shared`: together, and alone while a coordinator does not answer. `strict`: "
            "together, or not at all; a budget then holds the most that a request may cost.",
        ),
        "COORDINATION_MS": Setting(
            "300", as_whole(1, 10_000), "How long a request waits for a coordinator, in milliseconds."
        ),
        "MAX_UNSETTLED": Setting(
            "2000",
            as_whole(1, 1_000_000),
            "How many unsettled costs a key may have in the ledger before its requests under budgets are "
            "refused.",
        ),
        "SETTLE_PER_RUN": Setting(
            "40",
            as_whole(1, 900),
            "How many costs one run of the cron trigger asks for. The free plan allows 50 calls a run.",
        ),
        "ALERT_WEBHOOK_URL": Setting(
            "",
            as_webhook,
            "A webhook to call when 50, 80 and 100 % of a budget are spent, with JSON in Slack's format.",
            True,
        ),
        "LEDGER_DAYS": Setting("90", as_whole(1, 3_650), "How many days the ledger keeps a request's row."),
        "LEDGER_ROWS": Setting(
            "1000000",
            as_whole(1, 30_000_000),
            "How many requests' rows the ledger keeps. The oldest are deleted first. A row takes 245 bytes.",
        ),
        "DEFAULT_MODEL": Setting("openrouter/auto", as_model, "The model for a request that names none."),
        "FALLBACK_MODELS": Setting("", as_models, "The models after `DEFAULT_MODEL` in its chain, in order."),
        "FALLBACK_MODEL": Setting(
            "", as_models, "The same for one model; used if `FALLBACK_MODELS` is empty."
        ),
        "TASK_ROUTES": Setting(
            "",
            as_task_routes,
            "JSON: names such as `task/code`, and the chain for each, in addition to the built-in ones.",
        ),
        "UPSTREAMS": Setting(
            "",
            as_upstreams,
            "JSON: APIs like OpenAI's or Anthropic's that a chain can call directly, as `direct:NAME/MODEL`.",
        ),
        "OPENROUTER_BASE_URL": Setting(
            "https://openrouter.ai/api/v1",
            as_base_url,
            "OpenRouter's base URL. HTTPS, unless its host is loopback.",
        ),
        "PATIENCE": Setting(
            "normal",
            as_patience,
            "How long a model is waited for: `short`, `normal` or `long`. It decides the next four settings "
            "where they are not set.",
        ),
        "DEADLINE_MS": Setting("", as_ms_or_none, "The time for the complete chain, until a model commits."),
        "ATTEMPT_MS": Setting(
            "0", as_whole(0, HOUR_MS), "The time for one attempt, until it commits. 0: `PATIENCE` decides."
        ),
        "FIRST_TOKEN_MS": Setting(
            "", as_ms_or_none, "The time until a stream's first progress: text, reasoning or a tool call."
        ),
        "IDLE_MS": Setting(
            "", as_ms_or_none, "The longest time between progress, once a stream has committed."
        ),
        "MAX_WAIT_MS": Setting(
            "5000",
            as_whole(0, HOUR_MS),
            "How long one request may wait in all, for models that are cooling down and before retries.",
        ),
        "STREAM_GUARD_EVENTS": Setting(
            "unlimited",
            as_count_or_unlimited,
            "How many events of a committed stream are checked. The rest passes unchecked, at almost no "
            "cost. 0 suits the free plan, but a stream that is cut off then ends without an error.",
        ),
        "WATCH_PLAIN": Setting(
            "false",
            as_flag,
            "Asks for each plain answer as a stream, and puts it together, unless `gateway.watch` is false. "
            "So `FIRST_TOKEN_MS` and `IDLE_MS` hold for plain answers too. It costs CPU time.",
        ),
        "RETRIES": Setting(
            "1", as_whole(0, 10), "How often one model may be retried, if that is better than the next model."
        ),
        "MAX_ATTEMPTS": Setting(
            "40",
            as_whole(1, 1_000),
            "How many attempts one request may make. The free plan allows 50 subrequests per request.",
        ),
        "LOOP_LIMIT": Setting(
            "0",
            as_whole(0, 1_000),
            "How often an agent may repeat a tool call, or get the same error from it, without progress. "
            "Then its request is refused. 0: any number of times.",
        ),
        "SITE_URL": Setting(
            "",
            as_header_text,
            "Sent as `HTTP-Referer`: it identifies this app in OpenRouter's rankings. `caller`: the caller's "
            "own headers are sent, and `APP_TITLE` only if it has none.",
        ),
        "APP_TITLE": Setting(
            "",
            as_header_text,
            "Sent as `X-OpenRouter-Title` and `X-Title`. If both are empty, the caller's own headers are "
            "sent, to OpenRouter only.",
        ),
        "CORS_ORIGINS": Setting(
            "", as_origins, "Origins whose web pages may call, or `*`. Empty: no web page may."
        ),
        "CATALOG_TTL_S": Setting(
            "3600", as_whole(60, 604_800), "How many seconds the model list counts as fresh."
        ),
        "MAX_BODY_BYTES": Setting(
            "10485760", as_whole(1, 100_000_000), "The largest request body, in bytes."
        ),
        "MAX_BODY_VALUES": Setting(
            "40000",
            as_whole(100, 10_000_000),
            "How many values a request body may hold: its commas and opening brackets outside strings. Each "
            "costs CPU and memory, however short it is.",
        ),
        "MAX_AUDIO_BYTES": Setting(
            "27262976",
            as_whole(1, 100_000_000),
            "The largest request body with a recording to transcribe, in bytes: a file of 25 MiB in a form.",
        ),
        "MAX_ANSWER_BYTES": Setting(
            "33554432",
            as_whole(1_048_576, 100_000_000),
            "The largest plain answer, and the largest event of a stream, in bytes. An image may have tens "
            "of megabytes. An isolate has 128 MB of memory for all its requests.",
        ),
        "CACHE_LOOKUPS": Setting(
            "20",
            as_whole(1, 500),
            "How many look-ups in the answer cache a request for embeddings may make. Each is a "
            "subrequest, and so is each part that is stored: the free plan has 50 for a request.",
        ),
        "IDEMPOTENCY_S": Setting(
            "600",
            as_whole(0, 86_400),
            "How many seconds a repeat of a request (`Idempotency-Key`, `gateway.join`) gets the answer of "
            "the first one after its end. 0: only while that is in flight.",
        ),
        "OPEN_ON_LOOPBACK": Setting(
            "false",
            as_flag,
            "Accepts calls to a loopback host without a key. `make dev` sets it; do not set it yourself.",
        ),
    }
)
