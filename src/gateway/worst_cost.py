"""What one attempt may cost at the most, by the catalogue's list prices."""

from gateway.catalog import Catalog
from gateway.chat import ChatRequest
from gateway.prices import PER_MILLION, usd_per_million, usd_per_request
from gateway.wire import JsonObject, number_or_none, object_or_empty

# Text has three to four bytes a token; two errs on the safe side, and images count as if they were text.
BYTES_PER_TOKEN = 2


def worst_cost_usd(model: str, chat: ChatRequest, catalog: Catalog | None) -> float | None:
    """Return the most that ``model`` may charge; None where its price, or the answer's length, is not known.

    List prices are those of a model's cheapest endpoint, so a dearer one can go above this.
    """
    listed = catalog.find(model) if catalog else None
    if listed is None:
        return None
    prompt_usd, completion_usd = (usd_per_million(listed, kind) for kind in ("prompt", "completion"))
    completion_tokens = _most_completion_tokens(chat, listed)
    if prompt_usd is None or completion_usd is None or completion_tokens is None:
        return None
    prompt_tokens = len(chat.fields) / BYTES_PER_TOKEN
    tokens_usd = (
        prompt_tokens * prompt_usd + completion_tokens * chat.choices * completion_usd
    ) / PER_MILLION
    return tokens_usd + usd_per_request(listed)


def _most_completion_tokens(chat: ChatRequest, listed: JsonObject) -> float | None:
    """Return the caller's own limit, else the model's, else its whole context."""
    if chat.max_tokens is not None and chat.max_tokens > 0:
        return float(chat.max_tokens)
    most = number_or_none(object_or_empty(listed.get("top_provider")).get("max_completion_tokens"))
    return most or number_or_none(listed.get("context_length"))
