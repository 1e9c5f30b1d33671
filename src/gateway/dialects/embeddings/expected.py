"""What the vectors of an answer must be, by the request and by the models that it may call."""

from collections.abc import Sequence
from dataclasses import field, replace

from gateway.dialects.answer_test import Expected
from gateway.dialects.embeddings.spaces import SpaceNames
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.settings.options import Options

OTHER_MODEL = (
    "Vectors of different models cannot be compared, so another model is no fallback for embeddings. Name "
    "one model, also at a direct upstream, or set `gateway.allow_model_change`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedVectors(Expected):
    """What the vectors must be.

    Attributes:
        rows: how many there must be.
        dimensions: how many numbers each must have; None if any number will do.
        is_pinned: whether ``gateway.embedding_space`` demands these dimensions.
        is_base64: whether each must be base64, and not an array of numbers.
        may_change: whether models of several spaces may answer.
        names: the names of the models in the names of spaces.
    """

    rows: int
    dimensions: int | None
    is_pinned: bool = False
    is_base64: bool
    may_change: bool = False
    names: SpaceNames = field(default_factory=lambda: SpaceNames(()), compare=False)

    def for_models(self, models: Sequence[str], options: Options) -> "ExpectedVectors":
        """Return what is expected of these models with these options.

        Raises:
            GatewayError: they have more than one space, or another than the request demands.
        """
        pinned = options.embedding_space
        model, _, dimensions = pinned.rpartition("/") if pinned else ("", "", "0")
        names = SpaceNames((*models, model) if pinned else models)
        found = {names.of(each) for each in models}
        if pinned and found != {names.of(model)}:
            raise _wrong_space(f"The request demands the space of {model}, and names another model.")
        if pinned and self.dimensions not in (None, int(dimensions)):
            raise _wrong_space("`dimensions` is not the number of dimensions in `gateway.embedding_space`.")
        if len(found) > 1 and not options.allow_model_change:
            raise GatewayError("invalid_field", OTHER_MODEL, param="models")
        return replace(
            self,
            dimensions=int(dimensions) if pinned else self.dimensions,
            is_pinned=bool(pinned),
            may_change=len(found) > 1,
            names=names,
        )


def _wrong_space(message: str) -> GatewayError:
    return GatewayError("invalid_field", message, param="gateway.embedding_space")
