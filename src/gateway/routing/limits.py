"""Works out the limits of a request: of time, waits, retries, cost and size."""

from operator import attrgetter

from gateway.routing.chain import Limits
from gateway.routing.first_token import UNSEEN
from gateway.settings.options import Options
from gateway.settings.patience import PATIENCE
from gateway.settings.settings import Settings

# The options for limits. Each has a setting of the same name, which applies if neither the request nor its
# task route or key sets the option.
LIMIT_SETTINGS = (
    "patience",
    "deadline_ms",
    "attempt_ms",
    "first_token_ms",
    "idle_ms",
    "max_wait_ms",
    "retries",
)
# Those that the level of patience decides if nobody sets them.
BY_PATIENCE = ("deadline_ms", "attempt_ms", "first_token_ms", "idle_ms")
_limits_in = attrgetter(*LIMIT_SETTINGS)
# How often a stream gets a comment while its answer is held, if the request does not say. Many proxies close
# a connection that is silent for 60 s.
HOLD_KEEPALIVE_MS = 10_000

NO_TEXT = "the answer is no text"


def limits_of(
    options: Options, settings: Settings, *, hides_reasoning: bool, writes_text: bool, may_pay_twice: bool
) -> Limits:
    """Return the limits of a request.

    Args:
        options: the options that apply to it.
        settings: the Worker's settings.
        hides_reasoning: whether the reasoning is withheld, so that the stream is silent meanwhile.
        writes_text: whether the answer is a text; see ``Dialect``.
        may_pay_twice: whether the request may be paid for twice; see ``Dialect``.
    """
    holds = options.on_midstream == "hold"
    keepalive_ms = options.keepalive_ms or (HOLD_KEEPALIVE_MS if holds else None)
    from_options, from_settings = _limits_in(options), _limits_in(settings)
    level, deadline_ms, attempt_ms, first_token_ms, idle_ms, max_wait_ms, retries = [
        from_settings[index] if value is None else value for index, value in enumerate(from_options)
    ]
    patience = PATIENCE[level]
    # Such a stream is as silent as a plain answer, also after its first progress.
    silent = UNSEEN if hides_reasoning else None if writes_text else NO_TEXT
    idle_s = max(patience.plain_s, patience.idle_s) if silent else patience.idle_s
    deadline_s = patience.deadline_s if deadline_ms is None else deadline_ms / 1000
    if "deadline_ms" in options.asked and "max_wait_ms" not in options.asked:
        max_wait_s = deadline_s  # the caller has said how long it waits
    else:
        max_wait_s = max_wait_ms / 1000
    return Limits(
        deadline_s=deadline_s,
        shares_deadline=deadline_ms is not None,
        attempt_s=attempt_ms / 1000 if attempt_ms else None,
        first_token_s=first_token_ms / 1000 if first_token_ms else None,
        idle_s=idle_ms / 1000 if idle_ms else idle_s,
        idle_because="idle_ms" if idle_ms else silent or f"patience: {patience.name}",
        max_wait_s=max_wait_s,
        patience=patience,
        retries=retries,
        retry_first=options.retry_first,
        stop_on=frozenset(options.stop_on),
        max_attempts=settings.max_attempts,
        guard_events=None if holds else settings.stream_guard_events,
        hedge_s=options.hedge_ms / 1000 if options.hedge_ms and may_pay_twice else None,
        keepalive_s=keepalive_ms / 1000 if keepalive_ms else None,
        max_cost_usd=options.max_cost_usd,
        stops_if_billed=not may_pay_twice and not options.retry_billed,
        max_answer_bytes=settings.max_answer_bytes,
    )
