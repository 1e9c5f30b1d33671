"""The model list for Claude Code and Anthropic's SDKs: the models that Claude Code shows, in pages.

An entry has Anthropic's fields beside OpenAI's and OpenRouter's, and the list has the members of both.
Source: Anthropic "List Models"; Claude Code 2.1 with CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY=1, as
observed.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from gateway.catalog.model_list import ModelList
from gateway.catalog.query import ModelQuery
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty, text_or_none
from gateway.settings.task_names import claude_name_of

# Claude Code shows only models with one of these words in their id.
SHOWN = ("claude", "anthropic")
DEFAULT_LIMIT, MAX_LIMIT = 20, 1_000
# The last second of the year 9999.
MAX_TIME_S = 253_402_300_799


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudePage:
    """Which page of the list is asked for.

    Attributes:
        limit: how many models it has at most.
        after_id: the id of the model before the page; None: the page is the first one.
        before_id: the id of the model behind the page; None: it ends where ``limit`` says.
    """

    limit: int = DEFAULT_LIMIT
    after_id: str | None = None
    before_id: str | None = None

    def range_in(self, ids: list[str]) -> tuple[int, int, bool]:
        """Return where the page begins and ends in a list of ids, and whether more follows in its direction.

        Raises:
            GatewayError: the list does not have ``after_id`` or ``before_id``.
        """
        if self.before_id is not None:
            end = _index_of("before_id", self.before_id, ids)
            begin = max(0, end - self.limit)
            return begin, end, begin > 0
        begin = 0 if self.after_id is None else _index_of("after_id", self.after_id, ids) + 1
        return begin, begin + self.limit, begin + self.limit < len(ids)


def read_page(limit: str | None, after_id: str | None = None, before_id: str | None = None) -> ClaudePage:
    """Return the page that the parameters of a query ask for; ``limit`` is a whole number if it is set.

    Raises:
        GatewayError: a value is invalid.
    """
    count = DEFAULT_LIMIT if limit is None else int(limit)
    if not 1 <= count <= MAX_LIMIT:
        message = f"`limit` must be a whole number from 1 to {MAX_LIMIT}."
        raise GatewayError("invalid_field", message, param="limit")
    if after_id is not None and before_id is not None:
        raise GatewayError("invalid_field", "Send `after_id` or `before_id`, not both.", param="before_id")
    return ClaudePage(limit=count, after_id=after_id, before_id=before_id)


def claude_body(models: ModelList, query: ModelQuery, page: ClaudePage) -> bytes:
    """Return a page of the list, as JSON.

    Args:
        models: all models that the gateway lists, with its task routes.
        query: which models the caller may and wants to see, and in which order.
        page: which page of them.

    Raises:
        GatewayError: the page begins or ends at a model that is not in the list.
    """
    own = models.own_ids()
    found = [models.find(each) for each in (*own, *filter(is_shown, models.catalog_ids()))]
    chosen = [each for each in found if each is not None and all(test(each) for test in query.tests)]
    if query.order:
        chosen.sort(key=query.order)
    data = [as_claudes(each) for each in chosen[query.offset :]]
    ids = [str(each["id"]) for each in data]
    begin, end, has_more = page.range_in(ids)
    shown: list[Json] = [*data[begin:end]]
    return to_json_bytes(
        {
            "object": "list",
            "data": shown,
            "has_more": has_more,
            "first_id": ids[begin] if shown else None,
            "last_id": ids[begin:end][-1] if shown else None,
            "links": {"next": None},
            "total_count": len(chosen),
        }
    )


def is_shown(model_id: str) -> bool:
    """Return whether Claude Code shows a model of this id."""
    return any(word in model_id for word in SHOWN)


def as_claudes(model: JsonObject) -> JsonObject:
    """Return a model or a task of the list with Anthropic's fields; a task with its name for Claude Code."""
    is_task = "gateway" in model
    name = str(model["id"])
    shown_id = claude_name_of(name) if is_task else name
    own: JsonObject = {"links": {"details": f"/api/v1/models/{shown_id}"}} if is_task else {}
    return {
        **model,
        "type": "model",
        "id": shown_id,
        "display_name": text_or_none(model.get("name")) or name,
        "description": _description(model),
        "created_at": _time(model.get("created")),
        **own,
    }


def _description(model: JsonObject) -> str:
    """Return what is known of a model in short; of a task the reason why it has its models, else these."""
    if "gateway" in model:
        models = object_or_empty(model["gateway"]).get("models")
        names = ", then ".join(map(str, models)) if isinstance(models, list) else ""
        return text_or_none(model.get("description")) or f"{names}."
    return " ".join(_facts(model)) or str(model["id"])


def _facts(model: JsonObject) -> Iterable[str]:
    context = number_or_none(model.get("context_length"))
    if context:
        yield f"{context:,.0f} tokens of context."
    usd = object_or_empty(model.get("usd_per_million_tokens"))
    prompt, completion = number_or_none(usd.get("prompt")), number_or_none(usd.get("completion"))
    if prompt is not None and completion is not None:
        yield f"USD {prompt:g} for a million tokens of the prompt, {completion:g} for those of the answer."


def _time(value: Json) -> str:
    """Return a Unix time in the form of RFC 3339; the epoch if it is unknown, as Anthropic's list has it."""
    seconds = number_or_none(value)
    known_s = seconds if seconds is not None and 0 <= seconds <= MAX_TIME_S else 0
    return datetime.fromtimestamp(int(known_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _index_of(param: str, model_id: str, ids: list[str]) -> int:
    try:
        return ids.index(model_id)
    except ValueError:
        message = f"`{param}` must be the id of a model in this list."
        raise GatewayError("invalid_field", message, param=param) from None
