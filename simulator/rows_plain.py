"""Table rows of what only embeddings, rerank, images, speech and transcriptions have."""

from collections.abc import Iterator

from simulator import altered_rows, images_only, raw_bytes
from simulator.altered_rows import altered, each_vector, first_vector, last_vector, with_index, without
from simulator.healthy import OK_PAIR
from simulator.row import Behaviour
from simulator.scope import ANY, SPEECH, STREAMED
from simulator.steps import Break, Pair

_MAX_BYTES = 50_000_000


def plain_rows() -> Iterator[Behaviour]:
    """Yield the rows of these endpoints."""
    yield from _byte_rows()
    yield from _embedding_rows()
    yield from _rerank_rows()
    yield from _image_rows()


def _byte_rows() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair, outputs: frozenset[str] = ANY) -> Behaviour:
        example, most = (100, _MAX_BYTES) if "<n>" in name else (0, 0)
        return Behaviour(name, "bytes", does, pair, example, 0, most, only=outputs)

    reset, close = raw_bytes.after_bytes(Break.RESET), raw_bytes.after_bytes(Break.CLOSE)
    stall = raw_bytes.after_bytes(Break.HANG)
    untyped = Pair.same(raw_bytes.typed("application/octet-stream"))
    yield row("reset-bytes-<n>", "n bytes of the answer, then a TCP reset.", reset)
    yield row("close-bytes-<n>", "n bytes of the answer, then the connection closes.", close)
    yield row("stall-bytes-<n>", "n bytes of the answer, then silence.", stall)
    yield row("audio-untyped", "As ok, with the type `application/octet-stream`.", untyped, SPEECH)


def _embedding_rows() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair, example: str = "") -> Behaviour:
        return Behaviour(name, "embeddings", does, pair, example, only=frozenset({"embeddings"}))

    def rows(name: str, does: str, alter: altered_rows.Alter) -> Behaviour:
        return row(name, does, altered("data", alter))

    yield row("space-<name>", "As ok: a space of its own for each name.", OK_PAIR, "alpha")
    yield rows("vectors-fewer", "One row too few.", lambda _, data: data[:-1])
    yield rows("vectors-more", "One row too many.", altered_rows.one_too_many)
    yield row("vectors-empty", "The first vector is empty.", first_vector(lambda _: []))
    yield row("vectors-unequal", "The last vector is one shorter.", last_vector(lambda vector: vector[:-1]))
    yield row(
        "vectors-longer", "Each vector is one longer than asked.", each_vector(lambda vector: [*vector, 0.5])
    )
    yield rows("vectors-reversed", "The rows in reverse; each index is right.", lambda _, data: data[::-1])
    yield rows("vectors-same-index", "Each row has index 0.", with_index(0))
    yield rows("vectors-no-index", "The rows have no index.", without("index"))
    yield row(
        "vectors-nan",
        "The first number is NaN.",
        first_vector(lambda vector: [float("nan"), *vector[1:]]),
    )
    yield row(
        "vectors-null",
        "The first number is null (base64: NaN).",
        first_vector(lambda vector: [None, *vector[1:]]),
    )
    yield rows(
        "vectors-cut",
        "The first vector lacks its last byte (a list: its last number).",
        altered_rows.with_cut_base64,
    )
    yield rows("vectors-garbled", "The first vector is a text, no base64.", altered_rows.with_garbled_base64)
    yield rows("vectors-other-form", "Base64 for floats, and floats for base64.", altered_rows.in_other_form)


def _rerank_rows() -> Iterator[Behaviour]:
    def row(name: str, does: str, alter: altered_rows.Alter) -> Behaviour:
        pair = altered("results", alter)
        return Behaviour(name, "rerank", does, pair, only=frozenset({"rerank"}))

    yield row("ranks-beyond", "Results with the index after the last.", altered_rows.beyond)
    yield row("ranks-negative", "Results with the index -1.", with_index(-1))
    yield row("ranks-same-index", "Each result has index 0.", with_index(0))
    yield row("ranks-more", "One result more than documents.", altered_rows.more_than_given)
    yield row("ranks-no-score", "Results without a score.", without("relevance_score"))
    yield row("ranks-reversed", "The worst result first.", lambda _, results: results[::-1])


def _image_rows() -> Iterator[Behaviour]:
    def row(name: str, does: str, pair: Pair) -> Behaviour:
        return Behaviour(name, "images", does, pair, only=STREAMED)

    yield row("image-named-events", "As ok, with name lines; plain: as ok.", images_only.NAMED)
    yield row(
        "image-not-completed",
        "Partial images, then `[DONE]`; plain: as ok.",
        images_only.NEVER_COMPLETED,
    )
    yield row(
        "image-text-chunks", "Text chunks of SVG, then completed; plain: as ok.", images_only.TEXT_CHUNKS
    )
    yield row(
        "image-error-word",
        "Partial images, then an error whose code is a word; plain: 502.",
        images_only.FAILING_WITH_A_WORD,
    )
    yield row(
        "image-no-bytes", "Images without `b64_json`; stream: as ok.", altered("data", without("b64_json"))
    )
    yield row("image-refused", "400: a provider's content policy.", Pair.same(images_only.unsafe))
