"""What a chat request needs of a model: room, kinds of input and output, tools, parameters, a price."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.frozen import dataclass
from gateway.prices import Price, as_price
from gateway.wire import Json, JsonObject, list_or_empty, object_or_empty

JsonNeed: TypeAlias = Literal["json_object", "json_schema"]

JSON_KINDS: Mapping[str, JsonNeed] = MappingProxyType(
    {"json_object": "json_object", "json_schema": "json_schema"}
)
# A content part's type, and the kind of input that it is.
# Source: OpenRouter "Multimodal Capabilities"; the architecture's `input_modalities` in its list of models.
PART_INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "image_url": "image",
        "input_audio": "audio",
        "file": "file",
        "video_url": "video",
        "input_video": "video",
    }
)
# What `modalities` may ask for; about another word, which the caller may have made up, nothing is said.
# Source: OpenRouter API reference, "Create a chat completion"; its list of models has video, too.
MODALITIES = frozenset({"text", "image", "audio", "video"})
# A request's field, and the names under which a model's `supported_parameters` may list it.
# Source: OpenRouter API reference, "Parameters".
PARAMETERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **{
            name: frozenset({name})
            for name in (
                "temperature",
                "top_p",
                "top_k",
                "top_a",
                "min_p",
                "frequency_penalty",
                "presence_penalty",
                "repetition_penalty",
                "seed",
                "logit_bias",
                "logprobs",
                "top_logprobs",
                "stop",
                "tools",
                "tool_choice",
                "parallel_tool_calls",
                "response_format",
                "verbosity",
            )
        },
        "max_tokens": frozenset({"max_tokens", "max_completion_tokens"}),
        "max_completion_tokens": frozenset({"max_tokens", "max_completion_tokens"}),
        "reasoning": frozenset({"reasoning"}),
        "reasoning_effort": frozenset({"reasoning", "reasoning_effort"}),
    }
)

# Bytes of JSON text a token. Text has three to four. A run of blanks is one token for a hundred and more.
# What a tokenizer does not know, and digits with some, is a token a byte: more than that there are not.
LEAST, LIKELY, MOST = 128, 4, 1
# Plugins without a fee. Others search, read or route for money that no price per token holds.
# Source: OpenRouter "Plugins".
FREE_PLUGINS = frozenset({"response-healing", "context-compression", "moderation"})
# The fields by which a body without media may need more than its tokens.
SAYING_MORE = frozenset(
    {
        "provider",
        "modalities",
        "tools",
        "response_format",
        "plugins",
        "transforms",
        "web_search_options",
        "preset",
    }
)
IMAGE_TOKENS_LIKELY = 1_000
IMAGE_TOKENS_MOST = 6_000  # none of the families' tilings makes more of one image


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEstimate:
    """How many tokens the prompt is, by its bytes: no tokenizer is asked, and each model has its own.

    Attributes:
        least: it is more than this, for all that is known: what does not hold it cannot answer.
        likely: what English text and code come to.
        most: it is no more than this, for money; None where that cannot be told, as with a linked file.
    """

    least: int
    likely: int
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a model must be able to do for one request.

    Attributes:
        tools: whether it has tools to call.
        inputs: the kinds of input beside text: image, audio, file, video.
        outputs: the kinds of output beside text that it asks for.
        json: which kind of JSON it wants for an answer; None for any text.
        parameters: fields that the model must support, because the caller insists on it.
        max_price: the caller's own ceiling in ``provider.max_price``.
        has_fees: whether it may cost more than its tokens: a search, an image, a recording.
        writes_cache: whether it asks for its prompt to be kept, which costs up to twice as much.
        shrinks: whether OpenRouter shortens its prompt until it fits.
    """

    tokens: TokenEstimate
    tools: bool = False
    inputs: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset()
    json: JsonNeed | None = None
    parameters: tuple[str, ...] = ()
    max_price: Price | None = None
    has_fees: bool = False
    writes_cache: bool = False
    shrinks: bool = False


def needs_of(body: JsonObject, *, total_bytes: int, writes_cache: bool) -> Needs:
    """Return what a checked body needs.

    ``total_bytes`` is how long it goes upstream, ``writes_cache`` whether it has `cache_control`.
    """
    parts = list(_media_in(body))
    if not parts and SAYING_MORE.isdisjoint(body):  # as most are
        return Needs(tokens=_estimate(parts, total_bytes), writes_cache=writes_cache)
    plugins = {str(object_or_empty(each).get("id")) for each in list_or_empty(body.get("plugins"))}
    provider = object_or_empty(body.get("provider"))
    insists = provider.get("require_parameters") is True
    modalities = MODALITIES.intersection(
        each for each in list_or_empty(body.get("modalities")) if isinstance(each, str)
    )
    return Needs(
        tokens=_estimate(parts, total_bytes),
        tools=bool(body.get("tools")) and body.get("tool_choice") != "none",
        inputs=frozenset(part.kind for part in parts),
        outputs=modalities - {"text"},
        json=JSON_KINDS.get(str(object_or_empty(body.get("response_format")).get("type"))),
        parameters=tuple(name for name in PARAMETERS if body.get(name) is not None) if insists else (),
        max_price=_max_price(provider.get("max_price")),
        has_fees=_has_fees(body, plugins, modalities),
        writes_cache=writes_cache,
        shrinks="context-compression" in plugins or bool(body.get("transforms")),
    )


def _has_fees(body: JsonObject, plugins: set[str], modalities: frozenset[str]) -> bool:
    types = {str(object_or_empty(tool).get("type")) for tool in list_or_empty(body.get("tools"))}
    return bool(
        plugins - FREE_PLUGINS
        or body.get("web_search_options") is not None  # OpenAI's form: an empty object turns it on
        or body.get("preset")  # it may bring plugins, and a prompt of its own
        or modalities - {"text"}
        or any(each.startswith("openrouter:") for each in types)
    )


@dataclass(frozen=True, slots=True)
class _Media:
    """One part that is no text: its kind, and how many bytes of the body it takes; None for a link."""

    kind: str
    inline_bytes: int | None


def _media_in(body: JsonObject) -> Iterator[_Media]:
    for each in list_or_empty(body.get("messages")):
        message = object_or_empty(each)
        content = message.get("content")
        if not isinstance(content, list) and "images" not in message:
            continue
        # An answer's own images are sent back beside its text.
        for part in (*(content if isinstance(content, list) else ()), *list_or_empty(message.get("images"))):
            fields = object_or_empty(part)
            kind = PART_INPUTS.get(str(fields.get("type")))
            if kind is not None:
                yield _Media(kind, _inline_bytes(fields))


def _inline_bytes(part: JsonObject) -> int | None:
    """Return the length of the data that a part carries; None where it links to it."""
    holder = part.get(str(part.get("type")))
    values = [holder] if isinstance(holder, str) else [*object_or_empty(holder).values()]
    texts = [value for value in values if isinstance(value, str)]
    is_linked = any(text.startswith(("http://", "https://")) for text in texts)
    return None if is_linked else max(map(len, texts), default=0)


def _estimate(parts: list[_Media], total_bytes: int) -> TokenEstimate:
    if not parts:
        return TokenEstimate(
            least=total_bytes // LEAST, likely=total_bytes // LIKELY, most=total_bytes // MOST
        )
    images = sum(part.kind == "image" for part in parts)
    text_bytes = max(0, total_bytes - sum(part.inline_bytes or 0 for part in parts))
    others = [part.inline_bytes for part in parts if part.kind != "image"]
    known = [size for size in others if size is not None]
    return TokenEstimate(
        least=text_bytes // LEAST,
        likely=text_bytes // LIKELY + images * IMAGE_TOKENS_LIKELY,
        most=text_bytes // MOST + images * IMAGE_TOKENS_MOST + sum(known) // MOST
        if len(known) == len(others)
        else None,
    )


def _max_price(value: Json) -> Price | None:
    """Return the caller's ceiling, as far as it is one by tokens; its form is OpenRouter's to judge."""
    fields = object_or_empty(value)
    limits = {name: fields[name] for name in ("prompt", "completion") if fields.get(name) is not None}
    try:
        return as_price(limits) if limits else None
    except ValueError:
        return None
