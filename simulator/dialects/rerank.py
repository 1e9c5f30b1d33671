"""Rerank: `POST /rerank`."""

from collections.abc import Mapping
from typing import Any

from simulator.answers import Answer, Json
from simulator.dialects.plain import Plain, lacks_text, tallied
from simulator.steps import Tally
from simulator.turn import PROVIDER, Turn, tokens_of

_DOCUMENTS_PER_UNIT = 100


class Rerank(Plain):
    """Documents that share words with the query come first; otherwise the given order decides."""

    path = "/rerank"
    output = "rerank"
    answer_field = "results"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without a model, a query or documents."""
        documents, top_n = body.get("documents"), body.get("top_n", 1)
        if not isinstance(documents, list) or not documents:
            return "documents: Required" if "documents" not in body else "documents: Expected at least 1 item"
        if not all(map(_is_document, documents)):
            return "documents: Invalid input"
        if type(top_n) is not int or top_n < 1:
            return "top_n: Expected an integer of 1 or more"
        return lacks_text(body, "model", "query")

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return the best documents with their scores."""
        tally = self.tally(turn, answer)
        usage = {
            "search_units": _units(turn),
            "total_tokens": tally.prompt_tokens,
            "cost": tally.cost_nano_usd / 1e9,
        }
        results = _results(turn) if answer.pieces else []
        return {
            "id": turn.id,
            "model": turn.model,
            "provider": PROVIDER,
            "results": results,
            "usage": usage,
        }

    def tally(self, turn: Turn, _answer: Answer) -> Tally:
        """Return the tokens of query and documents; each search unit costs the price of a request."""
        texts = [str(turn.body["query"]), *(_text(each) for each in turn.body["documents"])]
        one = tallied(turn, tokens_of(sum(map(len, texts))))
        more_units = (_units(turn) - 1) * turn.price.request_nano_usd
        return Tally(one.prompt_tokens, 0, 0, one.cost_nano_usd + more_units)


RERANK = Rerank()


def _units(turn: Turn) -> int:
    return -(-len(turn.body["documents"]) // _DOCUMENTS_PER_UNIT)


def _results(turn: Turn) -> list[Json]:
    documents = turn.body["documents"]
    words = _words(str(turn.body["query"]))
    scores = [(len(words & _words(_text(each))) + 0.5) / (len(words) + 1) for each in documents]
    ranked = sorted(range(len(documents)), key=lambda index: -scores[index])
    return [
        {
            "index": index,
            "relevance_score": round(scores[index], 6),
            "document": {"text": documents[index]} if isinstance(documents[index], str) else documents[index],
        }
        for index in ranked[: turn.body.get("top_n")]
    ]


def _words(text: str) -> set[str]:
    return {word.strip(".,?!").lower() for word in text.split()}


def _is_document(document: object) -> bool:
    if isinstance(document, dict):
        return isinstance(document.get("text") or document.get("image"), str)
    return isinstance(document, str)


def _text(document: object) -> str:
    return str(document.get("text", "")) if isinstance(document, dict) else str(document)
